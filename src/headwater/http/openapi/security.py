"""Security in the document: which credentials there are, and which operations want one."""

from collections.abc import Iterable
from typing import Any

from headwater.http.browser.csrf import SAFE
from headwater.http.endpoint import Endpoint


def write_schemes(endpoints: Iterable[Endpoint]) -> dict[str, Any]:
    """The ``securitySchemes`` component, by the names that these operations use; none if they use none."""
    admissions = [endpoint.admission for endpoint in endpoints if endpoint.admission is not None]
    schemes = {name: each.scheme() for admission in admissions for name, each in admission.identity.named.items()}
    return {"securitySchemes": schemes} if schemes else {}


def asks_for_token(endpoint: Endpoint) -> bool:
    """Whether a request under a session cookie has to prove where it comes from."""
    admission = endpoint.admission
    return admission is not None and admission.identity.ambient and endpoint.route.method not in SAFE


def write_security(endpoint: Endpoint) -> dict[str, Any]:
    """The ``security`` of an operation: any one of the credentials, or none where it may be left out."""
    admission = endpoint.admission
    if admission is None:
        return {}
    choices: list[dict[str, list[str]]] = [{name: list(admission.scopes)} for name in admission.identity.named]
    return {"security": choices if admission.required else [{}, *choices]}
