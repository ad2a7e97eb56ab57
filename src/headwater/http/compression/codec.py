"""Codecs: the content codings that we have, each for a whole body at once and for one that comes in pieces.

Levels trade time for size. Of zstd only those are allowed whose window stays within 8 MB, which is all that a client
has to be ready for (RFC 9659).
"""

import sys
import zlib
from typing import Final, Protocol

import brotli

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_GZIP_WINDOW: Final = 16 + zlib.MAX_WBITS  # 16: with the head and the tail of gzip


class Packer(Protocol):
    """Encodes one body that comes in pieces."""

    def pack(self, piece: bytes) -> bytes:
        """What decodes to everything given so far, together with what was returned before."""
        ...

    def finish(self) -> bytes:
        """The end of the encoded body."""
        ...


class Codec(Protocol):
    """`name` is what Content-Encoding says."""

    name: bytes

    def encode(self, body: bytes) -> bytes:
        """The whole body; from the event loop only, and so for a small one."""
        ...

    def encode_apart(self, body: bytes) -> bytes:
        """The same from any thread, without holding the interpreter."""
        ...

    def start(self) -> Packer:
        """For a body that is not known yet."""
        ...


class Zstd:
    """Zstandard (RFC 8878). One context serves all small bodies: making one takes longer than encoding them."""

    name = b"zstd"

    def __init__(self, level: int) -> None:
        self._level = level
        self._compressor = zstd.ZstdCompressor(level)

    def encode(self, body: bytes) -> bytes:
        return self._compressor.compress(body, zstd.ZstdCompressor.FLUSH_FRAME)

    def encode_apart(self, body: bytes) -> bytes:
        return zstd.compress(body, self._level)

    def start(self) -> Packer:
        return _ZstdPacker(self._level)


class _ZstdPacker:
    def __init__(self, level: int) -> None:
        self._compressor = zstd.ZstdCompressor(level)

    def pack(self, piece: bytes) -> bytes:
        return self._compressor.compress(piece, zstd.ZstdCompressor.FLUSH_BLOCK)

    def finish(self) -> bytes:
        return self._compressor.flush()


class Brotli:
    """Brotli (RFC 7932)."""

    name = b"br"

    def __init__(self, level: int) -> None:
        self._level = level

    def encode(self, body: bytes) -> bytes:
        encoded: bytes = brotli.compress(body, quality=self._level)
        return encoded

    encode_apart = encode

    def start(self) -> Packer:
        return _BrotliPacker(self._level)


class _BrotliPacker:
    def __init__(self, level: int) -> None:
        self._compressor = brotli.Compressor(quality=level)

    def pack(self, piece: bytes) -> bytes:
        encoded: bytes = self._compressor.process(piece) + self._compressor.flush()
        return encoded

    def finish(self) -> bytes:
        encoded: bytes = self._compressor.finish()
        return encoded


class Gzip:
    """Gzip (RFC 1952), without a time in its head, so that one body is always encoded alike."""

    name = b"gzip"

    def __init__(self, level: int) -> None:
        self._level = level

    def encode(self, body: bytes) -> bytes:
        return zlib.compress(body, self._level, _GZIP_WINDOW)

    encode_apart = encode

    def start(self) -> Packer:
        return _GzipPacker(self._level)


class _GzipPacker:
    def __init__(self, level: int) -> None:
        self._compressor = zlib.compressobj(level, zlib.DEFLATED, _GZIP_WINDOW)

    def pack(self, piece: bytes) -> bytes:
        return self._compressor.compress(piece) + self._compressor.flush(zlib.Z_SYNC_FLUSH)

    def finish(self) -> bytes:
        return self._compressor.flush()
