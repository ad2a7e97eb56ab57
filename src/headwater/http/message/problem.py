"""A problem: the form of every error response, `application/problem+json` (RFC 9457)."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import msgspec

from headwater.http.message.answer import Answer
from headwater.http.message.response import NOSNIFF, header_fields

MEDIA_TYPE: Final = "application/problem+json"

_RESERVED: Final = frozenset({"type", "title", "status", "detail", "instance", "request_id"})
_FIELDS: Final = [
    (b"content-type", MEDIA_TYPE.encode()),
    NOSNIFF,
    (b"cache-control", b"no-store"),  # a 404 or 405 would otherwise be cached by heuristics, RFC 9111 section 4.2.2
]
_PHRASES: Final = {413: "Content Too Large", 414: "URI Too Long", 422: "Unprocessable Content"}
_ENCODER: Final = msgspec.json.Encoder(enc_hook=str)


class Problem(Exception):
    """Raise it to respond with an error; a command rolls back.

    `type` is a URI; by default it is ``about:blank``, and `title` the phrase of the status. `detail` tells the
    developer of the client what is wrong with this request; it does not reveal internals. `extensions` are further
    members. Raises `ValueError` for a status below 400, a reserved member, or an invalid header.
    """

    def __init__(
        self,
        status: int,
        title: str | None = None,
        detail: str | None = None,
        type: str | None = None,
        headers: Mapping[str, str] | None = None,
        **extensions: Any,
    ) -> None:
        if not 400 <= status <= 599:
            raise ValueError(f"{status} is not an error status; return a Response")
        if taken := _RESERVED & extensions.keys():
            raise ValueError(f"{min(taken)!r} is a member that every problem has")
        self.status = status
        self.title = title or phrase_of(status)
        self.detail = detail
        self.type = type or "about:blank"
        self.fields = header_fields(headers or {})
        self.extensions = extensions
        super().__init__(f"{status} {self.title}: {detail}" if detail else f"{status} {self.title}")


def write_problem(problem: Problem, request_id: str, instance: str) -> Answer:
    """The response of a problem. Every error response is created here."""
    members: dict[str, Any] = {"type": problem.type, "title": problem.title, "status": problem.status}
    if problem.detail is not None:
        members["detail"] = problem.detail
    members |= {"instance": instance, "request_id": request_id, **problem.extensions}
    return Answer(problem.status, [*_FIELDS, *problem.fields], _ENCODER.encode(members))


def phrase_of(status: int) -> str:
    """The reason phrase of a status by RFC 9110, independent of the version of Python."""
    try:
        return _PHRASES.get(status) or HTTPStatus(status).phrase
    except ValueError:
        return "Error"
