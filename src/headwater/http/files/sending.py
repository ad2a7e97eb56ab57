"""Sending: an object as a response, whole or in part, streamed at the speed of the client.

A browser must never run an uploaded file in the origin of the site. So every type outside a short list is an
attachment, pages and scripts are sent as application/octet-stream, sniffing is forbidden (nosniff), and a sandboxing
Content-Security-Policy lets an opened file load and run nothing.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from datetime import datetime
from typing import Any, Final, NamedTuple
from urllib.parse import quote
from uuid import UUID

from headwater.binding import Services
from headwater.clock import now
from headwater.db import Db
from headwater.http.files.digest import repr_digest, wants_content_digest
from headwater.http.files.download import Download
from headwater.http.files.filename import disposition
from headwater.http.files.sniff import ACTIVE, UNKNOWN, essence_of
from headwater.http.message.answer import Answer, Fields, Write
from headwater.http.message.condition import Validators, conditions_of, evaluate, fields_of
from headwater.http.message.date import to_utc
from headwater.http.message.problem import Problem
from headwater.http.message.ranges import ACCEPTED, Multipart, Span, range_holds, read_ranges, unsatisfied
from headwater.http.message.request import Request
from headwater.http.message.response import NOSNIFF
from headwater.http.route.call import Call
from headwater.http.step.operation import Operation
from headwater.objects import KeyInvalid, NoObject, Objects
from headwater.objects.kept import find
from headwater.objects.staging import stream_parts

INLINE: Final = frozenset(
    {
        "audio/aac",
        "audio/flac",
        "audio/mp4",
        "audio/mpeg",
        "audio/ogg",
        "audio/wav",
        "audio/webm",
        "image/avif",
        "image/bmp",
        "image/gif",
        "image/jpeg",
        "image/png",
        "image/webp",
        "text/plain",
        "video/mp4",
        "video/ogg",
        "video/webm",
    }
)
"""Types that a browser may show inline."""

_POLICY: Final = (b"content-security-policy", b"sandbox; default-src 'none'")
_WRITE_SECONDS: Final = 30.0
"""A client that stops reading would otherwise hold a connection to the store for ever."""


class Found(NamedTuple):
    """An object to send: `read` returns the bytes from one offset to before another."""

    size: int
    media_type: str
    filename: str | None
    state: bytes
    modified: datetime
    sha256: bytes | None
    read: Callable[[int, int], AsyncGenerator[bytes, None]]


def with_download(call: Call, plan: Any, operation: Operation, services: Services) -> Call:
    """The call that replaces a `Download` by the response that sends it; raises a `Problem` 404, 412 or 416."""
    db, objects = services[Db], services[Objects]

    async def call_and_send(request: Request) -> Answer:
        answer = await call(request)
        return await _answer(answer, request, db, objects) if isinstance(answer, Download) else answer

    return call_and_send


async def _answer(download: Download, request: Request, db: Db, objects: Objects) -> Answer:
    found = await _find(download, db, objects)
    validators = Validators(found.state, to_utc(found.modified).replace(microsecond=0))
    kept = [*fields_of(validators), *download.fields]
    conditions = conditions_of(request)
    if conditions is not None and evaluate(conditions, validators, "query") is not None:
        return Answer(304, kept)
    fields = [*_fields(download, found), *kept, ACCEPTED]
    spans = _spans(request, found, validators)
    if spans is None:
        if found.sha256 is not None and wants_content_digest(request):
            fields.append((b"content-digest", repr_digest(found.sha256)))
        return await _run(200, fields, Span(0, found.size), request, found)
    if not spans:
        raise unsatisfied(found.size)
    if len(spans) > 1:
        return _parts(found, fields, spans)
    return await _run(206, [*fields, (b"content-range", spans[0].content_range(found.size))], spans[0], request, found)


async def _find(download: Download, db: Db, objects: Objects) -> Found:
    if isinstance(download.source, UUID):
        return await _find_kept(download, download.source, db, objects)
    return await _find_stored(download, download.source, objects)


async def _find_kept(download: Download, id: UUID, db: Db, objects: Objects) -> Found:
    kept = await find(db, id)
    if kept is None:
        raise Problem(404, detail="There is no such file.")
    return Found(
        size=kept.size,
        media_type=download.media_type or kept.media_type,
        filename=download.filename or kept.filename,
        state=_state(download.etag or kept.id.hex),
        modified=download.last_modified or kept.created_at,
        sha256=kept.sha256,
        read=lambda start, stop: stream_parts(objects, kept.id, kept.parts, start, stop),
    )


async def _find_stored(download: Download, key: str, objects: Objects) -> Found:
    try:
        stat = await objects.head(key)
    except KeyInvalid as error:  # most likely from input of the client
        raise NoObject(key=key, location=objects.location) from error
    return Found(
        size=stat.size,
        media_type=download.media_type or UNKNOWN,
        filename=download.filename or key.rpartition("/")[2],
        state=_state(download.etag or (stat.etag or "").strip('W/"') or f"{stat.size}-{stat.changed.timestamp()}"),
        modified=download.last_modified or stat.changed,
        sha256=None,
        read=lambda start, stop: objects.stream(key, start, stop),
    )


def _state(etag: str) -> bytes:
    return quote(etag.strip('"'), safe="").encode()


def _fields(download: Download, found: Found) -> Fields:
    essence = essence_of(found.media_type)
    inline = essence in INLINE and not download.attachment
    fields: Fields = [
        (b"content-type", _content_type(essence)),
        (b"content-disposition", disposition("inline" if inline else "attachment", found.filename)),
        NOSNIFF,
        _POLICY,
    ]
    if found.sha256 is not None:
        fields.append((b"repr-digest", repr_digest(found.sha256)))
    return fields


def _content_type(essence: str) -> bytes:
    if essence in ACTIVE:
        return UNKNOWN.encode()
    return f"{essence}; charset=utf-8".encode() if essence.startswith("text/") else essence.encode()


def _spans(request: Request, found: Found, validators: Validators) -> tuple[Span, ...] | None:
    """The requested spans; None for the whole object. Only GET has ranges (RFC 9110 section 14.2)."""
    header = request.fields.get(b"range")
    if header is None or request.method != "GET":
        return None
    holds = range_holds(request.fields.get(b"if-range"), validators.etag, validators.modified, now())
    return read_ranges(header, found.size) if holds else None


async def _run(status: int, fields: Fields, span: Span, request: Request, found: Found) -> Answer:
    """The response that sends one span, once its first bytes are available: an earlier failure becomes a problem."""
    pieces = found.read(span.start, span.end)
    first = await anext(pieces, b"") if request.method == "GET" else b""

    async def stream(write: Write) -> None:
        async with aclosing(pieces):
            if first:
                await _write(write, first)
            async for piece in pieces:
                await _write(write, piece)

    return Answer(status, [*fields, (b"content-length", b"%d" % span.size)], stream=stream)


def _parts(found: Found, fields: Fields, spans: tuple[Span, ...]) -> Answer:
    """The response that sends several spans (RFC 9110 section 14.6)."""
    multipart = Multipart(spans, found.size, dict(fields)[b"content-type"])
    typed = [(name, multipart.content_type if name == b"content-type" else value) for name, value in fields]

    async def stream(write: Write) -> None:
        for each in multipart.pieces():
            if isinstance(each, bytes):
                await _write(write, each)
                continue
            async with aclosing(found.read(each.start, each.end)) as pieces:
                async for piece in pieces:
                    await _write(write, piece)

    return Answer(206, [*typed, (b"content-length", b"%d" % multipart.length)], stream=stream)


async def _write(write: Write, piece: bytes) -> None:
    async with asyncio.timeout(_WRITE_SECONDS):
        await write(piece)
