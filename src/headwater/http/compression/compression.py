"""Compression: which answers are encoded, and with what.

Only what gets smaller by it: text of some size, not what is encoded already, a part of something, or wanted as it is
(no-transform). And nothing beside a secret: whoever can make a victim send requests and count the bytes of the answers
learns what in them repeats what was put into the request (BREACH). So an answer that sets a cookie is left alone, and a
route whose answer holds another secret beside something of the request says `compress=False`.
"""

import asyncio
import re
import sys
from typing import Final, NamedTuple

from headwater.http.compression.codec import Brotli, Codec, Gzip, Zstd
from headwater.http.compression.stream import APART_BYTES, PackedStream
from headwater.http.message.accept import CODINGS, preference_of
from headwater.http.message.answer import Answer, Fields
from headwater.http.message.etag import with_coding
from headwater.http.message.problem import Problem
from headwater.http.message.request import Request
from headwater.settings import Settings

VARY: Final = (b"vary", b"accept-encoding")
"""On every answer of a route that compresses, encoded or not: another client may be given other bytes."""

_REMEMBERED: Final = 256
_TEXT: Final = re.compile(
    rb"(?:text/(?!event-stream)[\w.+-]+|application/(?:json|x-ndjson|javascript|xml|yaml|wasm|[\w.-]+\+(?:json|xml|yaml))"
    rb"|image/svg\+xml)[ \t]*(?:;.*)?",
    re.IGNORECASE | re.DOTALL,
)
_AS_IT_IS: Final = frozenset(
    {
        b"content-encoding",
        b"content-range",
        b"accept-ranges",  # its ranges would be those of the encoded bytes
        b"content-length",
        b"content-digest",
        b"repr-digest",
        b"set-cookie",
    }
)
"""What an answer says that would no longer be so, or that tells of a secret."""


class Choice(NamedTuple):
    """With what to encode answers of at least `minimum` bytes; a `minimum` of 0 is a client that insists."""

    codec: Codec | None
    minimum: int


_PLAIN: Final = Choice(None, sys.maxsize)


class Compression:
    """What all routes of an application encode with."""

    def __init__(self, settings: Settings) -> None:
        codecs: tuple[Codec, ...] = (
            Zstd(settings.zstd_level),
            Brotli(settings.brotli_level),
            Gzip(settings.gzip_level),
        )
        self._codecs = {codec.name: codec for codec in codecs}
        self._minimum = settings.compression_minimum
        self._known: dict[bytes, Choice] = {}

    def choose(self, accept: bytes) -> Choice:
        """What a client that sent this Accept-Encoding is answered with; raises a `Problem` 406.

        To be asked before anything is done for it, because 406 says that nothing was. Remembers its answers.
        """
        return self._known.get(accept) or self._choose(accept)

    async def encode(self, answer: Answer, request: Request, choice: Choice) -> Answer:
        """The answer encoded, or the same one if that is not to be; a large body in a thread."""
        codec = choice.codec
        if codec is None or not _is_suited(answer, request):
            return answer
        if answer.stream is not None:
            fields = _encoded_fields(answer.fields, codec.name)
            return Answer(answer.status, fields, stream=PackedStream(answer.stream, codec.start()))
        if len(answer.body) < APART_BYTES:
            return _encoded(answer, codec, codec.encode(answer.body), choice)
        return _encoded(answer, codec, await asyncio.to_thread(codec.encode_apart, answer.body), choice)

    def encode_problem(self, answer: Answer, request: Request, choice: Choice) -> Answer:
        """The same for a problem, which is never that large."""
        if choice.codec is None or len(answer.body) >= APART_BYTES or not _is_suited(answer, request):
            return answer
        return _encoded(answer, choice.codec, choice.codec.encode(answer.body), choice)

    def _choose(self, accept: bytes) -> Choice:
        preference = preference_of(accept)
        if preference.coding is None:
            detail = "The answer is compressed in none of the codings in Accept-Encoding, and that excludes identity."
            raise Problem(406, detail=detail, available=[name.decode() for name in (*CODINGS, b"identity")])
        codec = self._codecs.get(preference.coding)
        choice = _PLAIN if codec is None else Choice(codec, 0 if preference.insists else self._minimum)
        if len(self._known) < _REMEMBERED and len(accept) < _REMEMBERED:
            self._known[accept] = choice
        return choice


def _is_suited(answer: Answer, request: Request) -> bool:
    text = False
    for name, value in answer.fields:
        if name in _AS_IT_IS or (name == b"cache-control" and b"no-transform" in value.lower()):
            return False
        text = text or (name == b"content-type" and _TEXT.fullmatch(value) is not None)
    return text and not any(name == b"set-cookie" for name, _ in request.added or ())


def _encoded(answer: Answer, codec: Codec, body: bytes, choice: Choice) -> Answer:
    """The answer with its encoded body, unless that has become larger and the client takes the plain one."""
    if len(body) >= len(answer.body) and choice.minimum:
        return answer
    return Answer(answer.status, _encoded_fields(answer.fields, codec.name), body)


def _encoded_fields(fields: Fields, coding: bytes) -> Fields:
    """Other bytes are another representation, so its strong ETag is another one too (RFC 9110 section 8.8.3.3)."""
    return [
        *((name, with_coding(value, coding) if name == b"etag" else value) for name, value in fields),
        (b"content-encoding", coding),
    ]
