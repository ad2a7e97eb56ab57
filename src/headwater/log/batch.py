"""A batch: many entries of one partition, encoded as one byte string and stored in one row of the log.

Layout of an entry, big-endian: ``size:32 | commit_lsn:64 | ordinal:32 | format:4 | kind:4 | rest``, where `size`
counts the rest. The epoch is that of the batch's own position: a batch never spans two. The rest, by format:

- 0: ``body``. Written by the first version only.
- 1: ``xid:64 | body``, the id of the transaction with its epoch, as PostgreSQL's ``xid8``.

A batch may hold entries of several formats. A reader that does not know a format can still find the next entry. It
reads the entry as one of an unknown kind, which stops the consumer until newer code runs.
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
"""The body has the event prefix but is not an envelope. It is kept and shown, and not delivered to handlers."""

_FRAME = struct.Struct(">IQIB")
_HEAD = struct.Struct(">IQIBQ")
_PLACE = struct.Struct(">xxxxQI")
XID_BYTES: Final = 8
FORMAT: Final = 0x10
_FORMAT_BITS: Final = 0xF0
FRAME_BYTES: Final = _FRAME.size
HEAD_BYTES: Final = _HEAD.size


class Entry(NamedTuple):
    """One event or row change, with its position in the log."""

    position: Position
    kind: int
    body: bytes
    xid: int | None = None
    """The transaction that committed it, as ``xid8``; None where the first version wrote the entry."""


write_head = _HEAD.pack
"""Encodes the head of an entry: ``write_head(XID_BYTES + size, commit_lsn, ordinal, FORMAT | kind, xid)``. Bound, since
the relay calls it for every entry."""


def write_entry(into: bytearray, entry: Entry) -> None:
    """Append one entry to `into`, in the present format if its transaction is known."""
    (_, commit_lsn, ordinal), kind, body, xid = entry
    if xid is None:
        into += _FRAME.pack(len(body), commit_lsn, ordinal, kind)
    else:
        into += write_head(XID_BYTES + len(body), commit_lsn, ordinal, FORMAT | kind, xid)
    into += body


def position_of(epoch: int, entry: bytes) -> Position:
    """The position of an encoded entry."""
    return Position(epoch, *_PLACE.unpack_from(entry))


def read_entries(epoch: int, payload: bytes) -> Iterator[Entry]:
    """The entries of a batch in order; raises `MalformedBatch` for bytes that are not a batch."""
    at, end = 0, len(payload)
    while at < end:
        begin = at + FRAME_BYTES
        if end - at >= HEAD_BYTES:
            size, commit_lsn, ordinal, kind, xid = _HEAD.unpack_from(payload, at)
        elif begin <= end:
            size, commit_lsn, ordinal, kind = _FRAME.unpack_from(payload, at)
            xid = 0  # only an entry of the first version is as short as that
        else:
            raise MalformedBatch(reason=f"{end - at} bytes left over at {at}")
        at = begin + size
        if at > end or (kind & _FORMAT_BITS == FORMAT and size < XID_BYTES):
            raise MalformedBatch(reason=f"an entry of {size} bytes is cut short at {begin}")
        if kind & _FORMAT_BITS == FORMAT:
            yield Entry(Position(epoch, commit_lsn, ordinal), kind ^ FORMAT, payload[begin + XID_BYTES : at], xid)
        else:
            yield Entry(Position(epoch, commit_lsn, ordinal), kind, payload[begin:at])


def partition_of(key: str, partitions: int) -> int:
    """The partition of a key: CRC-32 of its UTF-8 bytes, modulo; the same on every machine and in every release."""
    return zlib.crc32(key.encode()) % partitions
