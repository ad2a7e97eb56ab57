"""Compression of responses: which coding a client prefers, and the codecs."""

from headwater.http.compression.compression import VARY, CodingChoice, Compression
from headwater.http.compression.stream import PackedStream

__all__ = ["VARY", "CodingChoice", "Compression", "PackedStream"]
