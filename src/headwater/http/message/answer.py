"""A response: an encoded response, with status, header fields and body as they are sent.

Endpoints return answers; `Response` is the subclass for handlers, and a `Problem` becomes one. Common fields (length,
request id) are added when it is sent.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from headwater.commit import Stored

Fields = list[tuple[bytes, bytes]]
CLOSE: Final = (b"connection", b"close")
Write = Callable[[bytes], Awaitable[None]]
Stream = Callable[[Write], Awaitable[None]]
"""Writes a body piece by piece with the given function."""


class Answer:
    """`fields` have lower-case names; they may be shared, so they are never changed.

    Content-Length is left out, except for a `stream` whose length is known.
    """

    __slots__ = ("body", "fields", "status", "stream")

    def __init__(self, status: int, fields: Fields, body: bytes = b"", stream: Stream | None = None) -> None:
        self.status = status
        self.fields = fields
        self.body = body
        self.stream = stream


def to_stored(answer: Answer) -> Stored:
    """The response as it is stored under an idempotency key."""
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in answer.fields]
    return Stored(answer.status, headers, answer.body)


def from_stored(stored: Stored) -> Answer:
    """The stored response, byte for byte."""
    fields = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in stored.headers]
    return Answer(stored.status, fields, stored.body)
