"""A stream that is compressed while it is written, so a client receives each piece at once."""

import asyncio
from typing import Final

from headwater.http.compression.codec import Packer
from headwater.http.message.answer import Stream, Write

APART_BYTES: Final = 64 * 1024
"""Bodies of this size take about a millisecond to encode, so they are encoded in a thread."""


class PackedStream:
    """Writes `stream` through `packer`, flushed after each piece."""

    def __init__(self, stream: Stream, packer: Packer) -> None:
        self._stream = stream
        self._packer = packer

    async def __call__(self, write: Write) -> None:
        async def write_packed(piece: bytes) -> None:
            if len(piece) >= APART_BYTES:
                await write(await asyncio.to_thread(self._packer.pack, piece))
            elif piece:
                await write(self._packer.pack(piece))

        await self._stream(write_packed)
        await write(self._packer.finish())

    def pack(self, piece: bytes) -> bytes:
        """Encode one more piece of an aborted stream."""
        return self._packer.pack(piece)
