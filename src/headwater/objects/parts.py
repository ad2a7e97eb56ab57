"""Parts: a kept object is a sequence of parts in the store, each an object of its own.

Why not one object per upload: a store has no append, and the remains of an interrupted multipart upload in a bucket
are not listed; only a lifecycle rule removes them. Parts are ordinary objects. Each is durable on its own, so an
interrupted upload resumes on any worker. All lie below one prefix, so uploads that were never committed are found and
deleted. A commit alone finishes an upload, without copying its bytes. Most files are one part.
"""

from collections.abc import Iterable, Iterator
from typing import Final
from uuid import UUID

import msgspec

PART_BYTES: Final = 8 * 1024 * 1024
"""The largest part, and the most of a stream that is held in memory on its way into the store."""


class StoredPart(msgspec.Struct, frozen=True, array_like=True):
    """`name` is below the prefix of the upload; `size` is in bytes."""

    name: str
    size: int


class Slice(msgspec.Struct, frozen=True):
    """The bytes to read of one part: from `start` to before `stop`."""

    name: str
    start: int
    stop: int


def prefix_of(id: UUID) -> str:
    """The prefix of an upload's parts. Two digits in between keep a folder from growing without bounds."""
    return f"uploads/{id.hex[:2]}/{id.hex}"


def size_of(parts: Iterable[StoredPart]) -> int:
    """The total size of the parts, in bytes."""
    return sum(part.size for part in parts)


def slices(parts: Iterable[StoredPart], start: int, stop: int) -> Iterator[Slice]:
    """The slices to read, in order, for the bytes from `start` to before `stop`."""
    at = 0
    for part in parts:
        first, last = max(start - at, 0), min(stop - at, part.size)
        if first < last:
            yield Slice(part.name, first, last)
        at += part.size
