"""Problems in the OpenAPI document: their schema, and a response with examples for each status."""

from typing import Any, Final

from headwater.http.message.problem import MEDIA_TYPE, phrase_of
from headwater.http.message.problemtype import (
    DEADLINE_PASSED,
    INVALID_REQUEST,
    MALFORMED_BODY,
    NOT_READY,
    PROBLEM_TYPES,
    QUOTA_EXCEEDED,
    ProblemType,
)
from headwater.http.step.description import refer_to

STATUSES: Final = (400, 401, 403, 404, 405, 406, 408, 409, 410, 412, 413, 415, 422, 428, 429, 500, 503, 504)
"""Those that operations refer to by name; any other is the default."""

_REFERENCE: Final = "#/components/schemas/"
_EXAMPLE_ID: Final = "4bf92f3577b34da6a3ce929d0e0e4736"
_MORE_HEADERS: Final = {
    401: {"WWW-Authenticate": "WWWAuthenticate"},
    405: {"Allow": "Allow"},
    415: {"Accept-Post": "AcceptPost"},
    429: {"Retry-After": "RetryAfter", "RateLimit-Policy": "RateLimitPolicy", "RateLimit": "RateLimit"},
    503: {"Retry-After": "RetryAfter"},
}
_EXAMPLE_MEMBERS: Final[dict[str, dict[str, Any]]] = {
    MALFORMED_BODY.name: {"offset": 17},
    QUOTA_EXCEEDED.name: {"violated-policies": ["burst"]},
    DEADLINE_PASSED.name: {"deadline": 2.5},
    NOT_READY.name: {"missing": ["the process is draining"]},
    INVALID_REQUEST.name: {
        "errors": [
            {"detail": "Expected `int` >= 1", "pointer": "#/quantity"},
            {"detail": "Expected an integer", "parameter": "limit", "in": "query"},
        ]
    },
}

PROBLEM_SCHEMAS: Final[dict[str, Any]] = {
    "Problem": {
        "title": "Problem",
        "description": "An error (RFC 9457). With the type about:blank, the status says everything.",
        "type": "object",
        "required": ["type", "title", "status", "instance", "request_id"],
        "properties": {
            "type": {"type": "string", "format": "uri-reference", "description": "The problem type."},
            "title": {"type": "string", "description": "What problems of this type have in common."},
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "detail": {"type": "string", "description": "What is wrong with this request."},
            "instance": {"type": "string", "format": "uri-reference", "description": "The path of the request."},
            "request_id": {"type": "string", "description": "The identifier to quote when asking for help."},
        },
        "additionalProperties": True,
    },
    "InvalidRequest": {
        "title": "InvalidRequest",
        "description": INVALID_REQUEST.meaning,
        "allOf": [{"$ref": f"{_REFERENCE}Problem"}],
        "properties": {"errors": {"type": "array", "items": {"$ref": f"{_REFERENCE}InputError"}}},
    },
    "InputError": {
        "title": "InputError",
        "type": "object",
        "required": ["detail"],
        "properties": {
            "detail": {"type": "string"},
            "pointer": {"type": "string", "description": "A JSON pointer into the body, as a URI fragment."},
            "parameter": {"type": "string"},
            "in": {"type": "string", "enum": ["query", "header"]},
        },
    },
}


def reference_problem(status: int | None = None) -> dict[str, Any]:
    """A reference to the response of a status, or to that of any other error."""
    name = _name(status) if status in STATUSES else "Problem"
    return {"$ref": f"#/components/responses/{name}"}


def write_problem_responses() -> dict[str, Any]:
    """The responses to refer to."""
    return {_name(status): _response(status) for status in STATUSES} | {"Problem": _any_other()}


def _response(status: int) -> dict[str, Any]:
    kinds = [kind for kind in PROBLEM_TYPES if kind.status == status]
    schema = "InvalidRequest" if status == INVALID_REQUEST.status else "Problem"
    examples = {kind.name: _example(kind) for kind in kinds} or {"example": {"value": _plain_example(status)}}
    headers = {"X-Request-Id": "RequestId", **_MORE_HEADERS.get(status, {})}
    return {
        "description": phrase_of(status),
        "headers": refer_to(headers),
        "content": {MEDIA_TYPE: {"schema": {"$ref": _REFERENCE + schema}, "examples": examples}},
    }


def _any_other() -> dict[str, Any]:
    return {
        "description": "Any other error",
        "headers": refer_to({"X-Request-Id": "RequestId"}),
        "content": {MEDIA_TYPE: {"schema": {"$ref": f"{_REFERENCE}Problem"}, "example": _plain_example(500)}},
    }


def _example(kind: ProblemType) -> dict[str, Any]:
    value = _members(kind.uri, kind.title, kind.status) | _EXAMPLE_MEMBERS.get(kind.name, {})
    return {"summary": kind.title, "description": kind.meaning, "value": value}


def _plain_example(status: int) -> dict[str, Any]:
    return _members("about:blank", phrase_of(status), status)


def _members(kind: str, title: str, status: int) -> dict[str, Any]:
    return {"type": kind, "title": title, "status": status, "instance": "/orders", "request_id": _EXAMPLE_ID}


def _name(status: int | None) -> str:
    return "".join(word.capitalize() for word in phrase_of(status or 500).replace("-", " ").split())
