"""A stream that is compressed while it is written, so that a client sees each piece when it is written."""

import asyncio
from typing import Final

from headwater.http.compression.codec import Packer
from headwater.http.message.answer import Stream, Write

APART_BYTES: Final = 64 * 1024
"""What takes about a millisecond to encode, and so is better done beside the event loop."""


class PackedStream:
    """Writes what `stream` writes, through `packer`, flushed piece by piece."""

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
        """One more piece for a body that has been broken off."""
        return self._packer.pack(piece)
