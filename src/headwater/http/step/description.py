"""What a capability adds to the operations of the OpenAPI document."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from headwater.http.step.operation import Operation
from headwater.part import Declaration


class Description(msgspec.Struct, frozen=True, kw_only=True):
    """The additions to one operation, as plain values of the document.

    `headers` are those of its successful response: from each name to the name of its description among the components.
    `statuses` are the statuses of its problems; `responses` are other responses, by status. `members` are members of
    the operation object, such as your own ``x-…``. `components` are added to those of the document, by group and name.
    """

    content: Mapping[str, Any] = {}
    """The content of the successful response, by media type, where the handler's return type does not declare it."""
    parameters: tuple[Mapping[str, Any], ...] = ()
    headers: Mapping[str, str] = {}
    statuses: tuple[int, ...] = ()
    responses: Mapping[str, Any] = {}
    members: Mapping[str, Any] = {}
    components: Mapping[str, Mapping[str, Any]] = {}


class Describe(Declaration, frozen=True, kw_only=True):
    """Describes a capability in the OpenAPI document."""

    of: Callable[[Operation], Description]


class RequestHeader(Declaration, frozen=True, kw_only=True):
    """A request header that a capability reads; CORS allows pages of other origins to send it."""

    name: str


def refer_to(headers: Mapping[str, str]) -> dict[str, Any]:
    """References for a response: from the name of each field to the name of its description."""
    return {name: {"$ref": f"#/components/headers/{reference}"} for name, reference in headers.items()}
