"""Parts: a kept object is a run of pieces in the store, each an object of its own, together one run of bytes.

Why not one object for each: a store has no append, and a bucket hides what an interrupted multipart upload left in it
where nobody but a lifecycle rule finds it. Parts are objects like any other: each is durable on its own, so an upload
goes on where it was cut off, on any worker; all lie below one prefix, so what was never committed is found and
deleted; and an upload is finished by a commit alone, without copying what was received. Most files are one part.
"""

from collections.abc import Iterable, Iterator
from typing import Final
from uuid import UUID

import msgspec

PART_BYTES: Final = 8 * 1024 * 1024
"""The most that a part has, and what is held in memory of a stream on its way into the store."""


class Part(msgspec.Struct, frozen=True, array_like=True):
    """One piece: its name below the prefix of the upload, and its size in bytes."""

    name: str
    size: int


class Slice(msgspec.Struct, frozen=True):
    """What is to be read of one part: from `start` to before `stop`."""

    name: str
    start: int
    stop: int


def prefix_of(id: UUID) -> str:
    """Where the parts of an upload lie. Two digits in between keep a folder from growing without bounds."""
    return f"uploads/{id.hex[:2]}/{id.hex}"


def size_of(parts: Iterable[Part]) -> int:
    """All of them together, in bytes."""
    return sum(part.size for part in parts)


def slices(parts: Iterable[Part], start: int, stop: int) -> Iterator[Slice]:
    """What to read, in order, for the bytes from `start` to before `stop`."""
    at = 0
    for part in parts:
        first, last = max(start - at, 0), min(stop - at, part.size)
        if first < last:
            yield Slice(part.name, first, last)
        at += part.size
