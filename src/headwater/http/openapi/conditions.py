"""Conditional requests in the document: the headers that ask, those that answer, and what is answered otherwise."""

from collections.abc import Iterator
from typing import Any, Final

from headwater.http.conditions.conditional import is_validated
from headwater.http.endpoint import Endpoint
from headwater.http.message.problem import phrase_of
from headwater.http.openapi.headers import refer_to
from headwater.http.route.route import Route

_TAGS: Final = {
    "type": "string",
    "pattern": r'^(\*|(W/)?"[!#-~]*"(, ?(W/)?"[!#-~]*")*)$',
}
_ANY_TEXT: Final = {"type": "string"}
"""For headers that are ignored when they are malformed."""
_DATE_EXAMPLE: Final = "Fri, 02 Jan 2026 03:04:05 GMT"
_REFERENCES: Final = {"ETag": "ETag", "Last-Modified": "LastModified"}


def write_condition_parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    """The conditions that a request can state."""
    route = endpoint.route
    if not is_validated(route) or (route.verb == "command" and route.current is None):
        return []
    return [*(_reading(route) if route.verb == "query" else _writing(route))]


def validator_headers(endpoint: Endpoint) -> dict[str, str]:
    """References to the validators that the answer carries."""
    return {name: _REFERENCES[name] for name in endpoint.rendering.validators}


def write_not_modified(endpoint: Endpoint) -> dict[str, Any]:
    """The answer to a client that has it already."""
    route = endpoint.route
    if route.verb == "command" or not is_validated(route):
        return {}
    headers = {"X-Request-Id": "RequestId", **validator_headers(endpoint), "Cache-Control": "CacheControl"}
    return {"304": {"description": phrase_of(304), "headers": refer_to(headers)}}


def condition_statuses(route: Route) -> Iterator[int]:
    """The problems of conditions."""
    if route.current is not None or (route.verb == "query" and is_validated(route)):
        yield 412
    if route.if_match == "required":
        yield 428


def _reading(route: Route) -> Iterator[dict[str, Any]]:
    if route.etag:
        yield _header("If-None-Match", "ETags of what you have: 304 if it is still so.", _ANY_TEXT, '"7"')
    if route.last_modified:
        yield _header("If-Modified-Since", "304 if it has not changed since then.", _ANY_TEXT, _DATE_EXAMPLE)


def _writing(route: Route) -> Iterator[dict[str, Any]]:
    if route.etag:
        required = " Without a condition, the answer is 428." if route.if_match == "required" else ""
        yield _header("If-Match", f"ETags of what you have read: 412 if it has changed.{required}", _TAGS, '"7"')
        yield _header("If-None-Match", "With `*`, only if there is nothing yet: otherwise 412.", _TAGS, "*")
    if route.last_modified:
        yield _header("If-Unmodified-Since", "412 if it has changed since then.", _ANY_TEXT, _DATE_EXAMPLE)


def _header(name: str, description: str, schema: dict[str, Any], example: str) -> dict[str, Any]:
    """Never required: each can be replaced by another."""
    return {
        "name": name,
        "in": "header",
        "description": description,
        "required": False,
        "schema": schema,
        "example": example,
    }
