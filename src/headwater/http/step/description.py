"""What a capability adds to the OpenAPI document, operation by operation."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from headwater.http.step.operation import Operation
from headwater.part import Declaration


class Description(msgspec.Struct, frozen=True, kw_only=True):
    """What is added to one operation; all of it plain values of the document.

    `headers` are those of its successful answer, from the name of each to the name of its description among the
    components. `statuses` are those of problems that it may answer with; `responses` other responses, by status.
    `members` are members of the operation object itself, ``x-…`` ones of your own among them. `components` are added to
    those of the document, by group and name.
    """

    content: Mapping[str, Any] = {}
    """Of the successful answer, by media type, where the handler's return type does not say it."""
    parameters: tuple[Mapping[str, Any], ...] = ()
    headers: Mapping[str, str] = {}
    statuses: tuple[int, ...] = ()
    responses: Mapping[str, Any] = {}
    members: Mapping[str, Any] = {}
    components: Mapping[str, Mapping[str, Any]] = {}


class Describe(Declaration, frozen=True, kw_only=True):
    """Describes what the capability does in one operation."""

    of: Callable[[Operation], Description]


class RequestHeader(Declaration, frozen=True, kw_only=True):
    """A request header that means something to the capability, so that pages of other origins may send it."""

    name: str


def refer_to(headers: Mapping[str, str]) -> dict[str, Any]:
    """References for an answer: from the name of each field to the name of its description."""
    return {name: {"$ref": f"#/components/headers/{reference}"} for name, reference in headers.items()}
