"""A batch: many entries of one partition as one run of bytes, as it stands in one row of the log.

Layout of an entry, big-endian: ``size:32 | commit_lsn:64 | ordinal:32 | kind:8 | body``, where `size` counts the
body. The epoch is that of the batch's own position: a batch never spans two.
"""

import struct
import zlib
from collections.abc import Iterator
from typing import Final, NamedTuple

from headwater.log.errors import MalformedBatch
from headwater.log.position import Position

EVENT: Final = 0
"""The body is an event's envelope."""
CHANGE: Final = 1
"""The body is a row change."""
MALFORMED: Final = 2
"""The body came under the event prefix and is no envelope: kept and shown, given to no handler."""

_HEAD = struct.Struct(">IQIB")
_PLACE = struct.Struct(">xxxxQIx")
HEAD_BYTES: Final = _HEAD.size


class Entry(NamedTuple):
    """One event or row change, where it stands in the log."""

    position: Position
    kind: int
    body: bytes


write_head = _HEAD.pack
"""What stands before a body: ``write_head(size, commit_lsn, ordinal, kind)``."""


def write_entry(into: bytearray, commit_lsn: int, ordinal: int, kind: int, body: bytes) -> None:
    """Add one entry to the run of bytes `into`."""
    into += write_head(len(body), commit_lsn, ordinal, kind)
    into += body


def place_of(epoch: int, head: bytes) -> Position:
    """The position of the entry that `write_head` wrote `head` for."""
    return Position(epoch, *_PLACE.unpack(head))


def read_entries(epoch: int, payload: bytes) -> Iterator[Entry]:
    """The entries of a batch in order; raises `MalformedBatch` where the bytes do not add up."""
    at, end = 0, len(payload)
    while at < end:
        if end - at < HEAD_BYTES:
            raise MalformedBatch(reason=f"{end - at} bytes left over at {at}")
        size, commit_lsn, ordinal, kind = _HEAD.unpack_from(payload, at)
        at += HEAD_BYTES
        if end - at < size:
            raise MalformedBatch(reason=f"an entry of {size} bytes is cut short at {at}")
        yield Entry(Position(epoch, commit_lsn, ordinal), kind, payload[at : at + size])
        at += size


def partition_of(key: str, partitions: int) -> int:
    """The partition of a key: CRC-32 of its UTF-8 bytes, modulo; the same on every machine and in every release."""
    return zlib.crc32(key.encode()) % partitions
