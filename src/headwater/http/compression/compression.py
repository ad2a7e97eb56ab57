"""Compression: which responses are encoded, and with which codec.

It encodes text above a minimum size, but not content that is encoded already, partial, or marked no-transform. It does
not encode secrets: an attacker who can cause requests and see the length of responses can guess a secret that is
compressed together with input of the request (BREACH). So a response that sets a cookie is not compressed, and a route
whose response contains another secret and input of the request sets `compress=False`.
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
"""On every response of a route that compresses, encoded or not, because other clients may get other bytes."""

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
"""Fields that would become wrong, or that indicate a secret."""


class CodingChoice(NamedTuple):
    """The codec for responses of at least `minimum` bytes; 0 for a client that refuses identity."""

    codec: Codec | None
    minimum: int


_PLAIN: Final = CodingChoice(None, sys.maxsize)


class Compression:
    """The compression of an application."""

    def __init__(self, settings: Settings) -> None:
        codecs: tuple[Codec, ...] = (
            Zstd(settings.zstd_level),
            Brotli(settings.brotli_level),
            Gzip(settings.gzip_level),
        )
        self._codecs = {codec.name: codec for codec in codecs}
        self._minimum = settings.compression_minimum
        self._known: dict[bytes, CodingChoice] = {}

    def choose(self, accept: bytes) -> CodingChoice:
        """The coding for a client that sent this Accept-Encoding; raises a `Problem` 406.

        Call it before any work on the request, because 406 means that nothing was done. Choices are cached.
        """
        return self._known.get(accept) or self._choose(accept)

    async def encode(self, answer: Answer, request: Request, choice: CodingChoice) -> Answer:
        """The encoded response, or the same one if it must not be encoded; a large body is encoded in a thread."""
        codec = choice.codec
        if codec is None or not _is_suited(answer, request):
            return answer
        if answer.stream is not None:
            fields = _encoded_fields(answer.fields, codec.name)
            return Answer(answer.status, fields, stream=PackedStream(answer.stream, codec.start()))
        if len(answer.body) < APART_BYTES:
            return _encoded(answer, codec, codec.encode(answer.body), choice)
        return _encoded(answer, codec, await asyncio.to_thread(codec.encode_apart, answer.body), choice)

    def encode_problem(self, answer: Answer, request: Request, choice: CodingChoice) -> Answer:
        """The same for a problem, which is always small."""
        if choice.codec is None or len(answer.body) >= APART_BYTES or not _is_suited(answer, request):
            return answer
        return _encoded(answer, choice.codec, choice.codec.encode(answer.body), choice)

    def _choose(self, accept: bytes) -> CodingChoice:
        preference = preference_of(accept)
        if preference.coding is None:
            detail = "Accept-Encoding allows no coding that the server supports, and excludes identity."
            raise Problem(406, detail=detail, available=[name.decode() for name in (*CODINGS, b"identity")])
        codec = self._codecs.get(preference.coding)
        choice = _PLAIN if codec is None else CodingChoice(codec, 0 if preference.insists else self._minimum)
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


def _encoded(answer: Answer, codec: Codec, body: bytes, choice: CodingChoice) -> Answer:
    """The response with its encoded body, unless that is larger and the client accepts the plain one."""
    if len(body) >= len(answer.body) and choice.minimum:
        return answer
    return Answer(answer.status, _encoded_fields(answer.fields, codec.name), body)


def _encoded_fields(fields: Fields, coding: bytes) -> Fields:
    """Encoded bytes are another representation, so the strong ETag differs (RFC 9110 section 8.8.3.3)."""
    return [
        *((name, with_coding(value, coding) if name == b"etag" else value) for name, value in fields),
        (b"content-encoding", coding),
    ]
