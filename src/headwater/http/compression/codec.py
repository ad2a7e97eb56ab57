"""Codecs: the supported content codings, each for whole bodies and for streams.

Levels trade time for size. Levels of zstd are limited to windows of 8 MB, the most that clients must support (RFC
9659).
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
    """Encodes one stream."""

    def pack(self, piece: bytes) -> bytes:
        """Encoded bytes which, after those returned before, decode to everything given so far."""
        ...

    def finish(self) -> bytes:
        """The end of the encoded body."""
        ...


class Codec(Protocol):
    """`name` is its name in Content-Encoding."""

    name: bytes

    def encode(self, body: bytes) -> bytes:
        """Encode a whole, small body, on the event loop only."""
        ...

    def encode_apart(self, body: bytes) -> bytes:
        """Encode a whole body in any thread, without holding the GIL."""
        ...

    def start(self) -> Packer:
        """Start to encode a stream."""
        ...


class Zstd:
    """Zstandard (RFC 8878). One context serves all small bodies: creating a context takes longer than encoding a small
    body."""

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
    """Gzip (RFC 1952) without a time in its header, so the encoding is deterministic."""

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
