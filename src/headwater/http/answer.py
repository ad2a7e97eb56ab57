"""An answer: status, header fields and body as they go over the wire.

Endpoints make answers; `Response` is the kind that people write, `Problem` becomes another. The server side adds what
every answer carries (length, request id) and sends it.
"""

from collections.abc import AsyncIterator

from headwater.commit import Stored

Fields = list[tuple[bytes, bytes]]


class Answer:
    """`fields` have lower-case names and leave out content-length; with `chunks` the body is sent piece by piece."""

    __slots__ = ("body", "chunks", "fields", "status")

    def __init__(
        self, status: int, fields: Fields, body: bytes = b"", chunks: AsyncIterator[bytes] | None = None
    ) -> None:
        self.status = status
        self.fields = fields
        self.body = body
        self.chunks = chunks


def to_stored(answer: Answer) -> Stored:
    """The answer as it is kept under an idempotency key."""
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in answer.fields]
    return Stored(answer.status, headers, answer.body)


def from_stored(stored: Stored) -> Answer:
    """The answer that was kept, byte for byte."""
    fields = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in stored.headers]
    return Answer(stored.status, fields, stored.body)
