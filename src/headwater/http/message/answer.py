"""An answer: status, header fields and body as they go over the wire.

Endpoints make answers; `Response` is the kind that people write, and a `Problem` becomes one. What every answer carries
(length, request id) is added when it is sent.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from headwater.commit import Stored

Fields = list[tuple[bytes, bytes]]
CLOSE: Final = (b"connection", b"close")
Write = Callable[[bytes], Awaitable[None]]
Stream = Callable[[Write], Awaitable[None]]
"""Writes a body piece by piece with the function it is given."""


class Answer:
    """`fields` have lower-case names; they may be shared and are never changed.

    Content-Length is left out, except for a `stream` whose length is known.
    """

    __slots__ = ("body", "fields", "status", "stream")

    def __init__(self, status: int, fields: Fields, body: bytes = b"", stream: Stream | None = None) -> None:
        self.status = status
        self.fields = fields
        self.body = body
        self.stream = stream


def to_stored(answer: Answer) -> Stored:
    """The answer as it is kept under an idempotency key."""
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in answer.fields]
    return Stored(answer.status, headers, answer.body)


def from_stored(stored: Stored) -> Answer:
    """The answer that was kept, byte for byte."""
    fields = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in stored.headers]
    return Answer(stored.status, fields, stored.body)
