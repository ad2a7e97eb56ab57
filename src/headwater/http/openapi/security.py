"""Security in the document: which credentials there are, and which operations want one."""

from collections.abc import Iterable
from typing import Any

from headwater.http.endpoint import Endpoint


def write_schemes(endpoints: Iterable[Endpoint]) -> dict[str, Any]:
    """The ``securitySchemes`` component, by the names that these operations use; none if they use none."""
    admissions = [endpoint.admission for endpoint in endpoints if endpoint.admission is not None]
    schemes = {name: each.scheme() for admission in admissions for name, each in admission.identity.named.items()}
    return {"securitySchemes": schemes} if schemes else {}


def write_security(endpoint: Endpoint) -> dict[str, Any]:
    """The ``security`` of an operation: any one of the credentials, or none where it may be left out."""
    admission = endpoint.admission
    if admission is None:
        return {}
    choices: list[dict[str, list[str]]] = [{name: list(admission.scopes)} for name in admission.identity.named]
    return {"security": choices if admission.required else [{}, *choices]}
