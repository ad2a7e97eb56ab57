"""NDJSON: a body of JSON lines, written while its items are produced.

Lines are buffered up to `FLUSH_BYTES`, so a million rows are not a million writes, and are sent after `FLUSH_SECONDS`
at the latest, so a slow source does not look stalled. Each write waits for the client for at most `WRITE_SECONDS`: a
client that stops reading would otherwise hold a database connection for ever.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final

import msgspec

from headwater.db.rowstream import RowStream
from headwater.http.message.answer import Stream, Write

FLUSH_BYTES: Final = 64 * 1024
FLUSH_SECONDS: Final = 0.2
WRITE_SECONDS: Final = 30.0

_ENCODER: Final = msgspec.json.Encoder()
_NEWLINE: Final = 10


async def stream_lines(items: AsyncIterator[Any]) -> Stream:
    """Wait for the first item, so an earlier failure becomes a problem; then return the stream.

    Rows that come directly from the database are encoded lines already, many at a time.
    """
    written = isinstance(items, RowStream)
    if isinstance(items, RowStream):
        items = items.json_lines()
    try:
        first = [await anext(items)]
    except StopAsyncIteration:
        first = []

    async def stream(write: Write) -> None:
        await _Lines(write, written).run(first, items)

    return stream


class _Lines:
    """The buffer of one body."""

    def __init__(self, write: Write, written: bool) -> None:
        self._write = write
        self._add = self._add_lines if written else self._add_item
        self._waiting = bytearray()
        self._writing = asyncio.Lock()
        self._broken = False

    async def run(self, first: list[Any], items: AsyncIterator[Any]) -> None:
        flusher = asyncio.create_task(self._flush_now_and_then(), name="flush lines")
        try:
            for item in first:
                self._add(item)
            async for item in items:
                self._add(item)
                if len(self._waiting) >= FLUSH_BYTES:
                    await self._flush()
            await self._flush()
        finally:
            flusher.cancel()
            await asyncio.gather(flusher, return_exceptions=True)
            await _close(items)

    def _add_lines(self, lines: bytes) -> None:
        self._waiting += lines

    def _add_item(self, item: Any) -> None:
        _ENCODER.encode_into(item, self._waiting, -1)
        self._waiting.append(_NEWLINE)

    async def _flush_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            await self._flush()

    async def _flush(self) -> None:
        async with self._writing:
            if self._broken:  # the write of the other task failed and its lines are lost, so nothing may follow
                raise TimeoutError
            if self._waiting:
                lines = bytes(self._waiting)
                self._waiting.clear()
                self._broken = True
                async with asyncio.timeout(WRITE_SECONDS):
                    await self._write(lines)
                self._broken = False


async def _close(items: AsyncIterator[Any]) -> None:
    """Close a generator that is not exhausted, so it releases its resources."""
    close = getattr(items, "aclose", None)
    if close is not None:
        await close()
