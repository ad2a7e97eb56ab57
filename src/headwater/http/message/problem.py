"""A problem: the one shape of every error, `application/problem+json` (RFC 9457)."""

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
    """Raise it to answer with an error; a command rolls back.

    `type` is a URI; without one the type is ``about:blank`` and `title` the status's own phrase. `detail` is for the
    person at the other end: it says what is wrong with this request, and never what the code looks like.
    `extensions` are further members. Raises `ValueError` for a status below 400, a member that is not free, or a
    header that cannot be sent.
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
    """The answer for a problem. Every error that leaves is made here."""
    members: dict[str, Any] = {"type": problem.type, "title": problem.title, "status": problem.status}
    if problem.detail is not None:
        members["detail"] = problem.detail
    members |= {"instance": instance, "request_id": request_id, **problem.extensions}
    return Answer(problem.status, [*_FIELDS, *problem.fields], _ENCODER.encode(members))


def phrase_of(status: int) -> str:
    """The reason phrase of a status as RFC 9110 has it, whatever the version of Python."""
    try:
        return _PHRASES.get(status) or HTTPStatus(status).phrase
    except ValueError:
        return "Error"
