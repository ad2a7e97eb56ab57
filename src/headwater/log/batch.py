"""A batch: many entries of one partition as one run of bytes, as it stands in one row of the log.

Layout of an entry, big-endian: ``size:32 | commit_lsn:64 | ordinal:32 | format:4 | kind:4 | rest``, where `size`
counts the rest. The epoch is that of the batch's own position: a batch never spans two. The rest, by format:

- 0: ``body``. What the first version wrote; nothing writes it any more.
- 1: ``xid:64 | body``, the id of the transaction with its epoch, as PostgreSQL's ``xid8``.

A batch may hold entries of several formats. Who meets a format that is not known here can still tell where the next
entry begins; the entry comes as one of an unknown kind, which stops its consumer until newer code comes.
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

_FRAME = struct.Struct(">IQIB")
_HEAD = struct.Struct(">IQIBQ")
_PLACE = struct.Struct(">xxxxQI")
XID_BYTES: Final = 8
FORMAT: Final = 0x10
_FORMAT_BITS: Final = 0xF0
FRAME_BYTES: Final = _FRAME.size
HEAD_BYTES: Final = _HEAD.size


class Entry(NamedTuple):
    """One event or row change, where it stands in the log."""

    position: Position
    kind: int
    body: bytes
    xid: int | None = None
    """The transaction that committed it, as ``xid8``; None where the first version wrote the entry."""


write_head = _HEAD.pack
"""What stands before a body: ``write_head(XID_BYTES + size, commit_lsn, ordinal, FORMAT | kind, xid)``. Bound, because
the relay calls it for every entry."""


def write_entry(into: bytearray, entry: Entry) -> None:
    """Add one entry to the run of bytes `into`, in the format of today if its transaction is known."""
    (_, commit_lsn, ordinal), kind, body, xid = entry
    if xid is None:
        into += _FRAME.pack(len(body), commit_lsn, ordinal, kind)
    else:
        into += write_head(XID_BYTES + len(body), commit_lsn, ordinal, FORMAT | kind, xid)
    into += body


def position_of(epoch: int, entry: bytes) -> Position:
    """The position of an entry, from its bytes."""
    return Position(epoch, *_PLACE.unpack_from(entry))


def read_entries(epoch: int, payload: bytes) -> Iterator[Entry]:
    """The entries of a batch in order; raises `MalformedBatch` where the bytes do not add up."""
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
