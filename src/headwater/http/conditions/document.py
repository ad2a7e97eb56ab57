"""Conditional requests in the document: request headers, response headers, and statuses."""

from collections.abc import Iterator
from typing import Any, Final

from headwater.http.conditions.options import ConditionOption
from headwater.http.message.problem import phrase_of
from headwater.http.step.description import Description, refer_to
from headwater.http.step.operation import Operation

_TAGS: Final = {
    "type": "string",
    "pattern": r'^(\*|(W/)?"[!#-~]*"(, ?(W/)?"[!#-~]*")*)$',
}
_ANY_TEXT: Final = {"type": "string"}
"""For headers that are ignored when they are malformed."""
_DATE_EXAMPLE: Final = "Fri, 02 Jan 2026 03:04:05 GMT"
_REFERENCES: Final = {"ETag": "ETag", "Last-Modified": "LastModified"}


def describe_conditions(operation: Operation) -> Description:
    """The headers that ask, those that answer, and what is answered otherwise."""
    declared = operation.option(ConditionOption)
    validators = {name: _REFERENCES[name] for name in operation.rendering.validators}
    reads = operation.route.verb == "query" and declared.validated
    asked: Iterator[dict[str, Any]] = iter(())
    if reads:
        asked = _reading(declared)
    elif declared.validated and declared.current is not None:
        asked = _writing(declared)
    return Description(
        parameters=tuple(asked),
        headers=validators,
        statuses=tuple(_statuses(declared, reads)),
        responses=_not_modified(validators) if reads else {},
    )


def _not_modified(validators: dict[str, str]) -> dict[str, Any]:
    """The response to a client that has the current state."""
    headers = {"X-Request-Id": "RequestId", **validators, "Cache-Control": "CacheControl"}
    return {"304": {"description": phrase_of(304), "headers": refer_to(headers)}}


def _statuses(declared: ConditionOption, reads: bool) -> Iterator[int]:
    """The problems of conditions."""
    if declared.current is not None or reads:
        yield 412
    if declared.if_match == "required":
        yield 428


def _reading(declared: ConditionOption) -> Iterator[dict[str, Any]]:
    if declared.etag:
        yield _header("If-None-Match", "ETags that you have: 304 if one is current.", _ANY_TEXT, '"7"')
    if declared.last_modified:
        yield _header("If-Modified-Since", "304 if the resource has not changed since.", _ANY_TEXT, _DATE_EXAMPLE)


def _writing(declared: ConditionOption) -> Iterator[dict[str, Any]]:
    if declared.etag:
        required = " Without a condition, the response is 428." if declared.if_match == "required" else ""
        yield _header("If-Match", f"ETags that you have read: 412 if the resource has changed.{required}", _TAGS, '"7"')
        yield _header("If-None-Match", "With `*`: 412 if the resource exists.", _TAGS, "*")
    if declared.last_modified:
        yield _header("If-Unmodified-Since", "412 if the resource has changed since.", _ANY_TEXT, _DATE_EXAMPLE)


def _header(name: str, description: str, schema: dict[str, Any], example: str) -> dict[str, Any]:
    """Never required: each can be replaced by another condition."""
    return {
        "name": name,
        "in": "header",
        "description": description,
        "required": False,
        "schema": schema,
        "example": example,
    }
