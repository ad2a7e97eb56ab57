"""Lines: a body of JSON lines (NDJSON), written while its items are still being found.

Lines are gathered until there are `FLUSH_BYTES` of them, so that a million rows are not a million writes, and are sent
after `FLUSH_SECONDS` at the latest, so that a slow source does not look like a dead one. Each write waits for the
client to take it, and for no longer than `WRITE_SECONDS`: what stops reading would otherwise hold its connection to
the database for ever.
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
    """Waits for the first item, so that what fails before it can still be answered as a problem; the rest follows.

    Rows that come straight from the database come as lines already, many at a time.
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
    """The lines of one body that are not sent yet."""

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
            if self._broken:  # in the other task; what it was to write is lost, so nothing may follow
                raise TimeoutError
            if self._waiting:
                lines = bytes(self._waiting)
                self._waiting.clear()
                self._broken = True
                async with asyncio.timeout(WRITE_SECONDS):
                    await self._write(lines)
                self._broken = False


async def _close(items: AsyncIterator[Any]) -> None:
    """Let a generator give back what it holds; the rest of its items will not be asked for."""
    close = getattr(items, "aclose", None)
    if close is not None:
        await close()
