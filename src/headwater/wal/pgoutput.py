"""The messages of PostgreSQL's `pgoutput` plugin, decoded without any I/O.

Source: PostgreSQL manual, "Logical Streaming Replication Protocol" and "Logical Replication Message Formats",
protocol version 1: whole transactions, in the order of their commits. All integers are big-endian; strings end
with a zero byte.

Decoding is stateless: one message in, one record out. What needs memory (which relation an id names, which
transaction a change belongs to) is the assembler's. It knows from the first byte which of the functions here it
needs; `decode` is all of them in one.
"""

import struct
from collections.abc import Callable
from enum import Enum
from typing import Final

import msgspec

from headwater.wal.errors import WalError


class MalformedStream(WalError):
    """The replication stream holds a message that cannot be decoded: {reason}."""


class UnchangedToast(Enum):
    """A large (TOAST) value that an update did not change. It is unknown, not null."""

    UNCHANGED = "unchanged"


UNCHANGED: Final = UnchangedToast.UNCHANGED

Value = str | UnchangedToast | None
"""One column of a tuple: its text, null, or unchanged TOAST."""

Values = tuple[Value, ...]


class Begin(msgspec.Struct, frozen=True, gc=False):
    commit_lsn: int
    committed_at: int
    """Microseconds since 2000-01-01 UTC."""
    xid: int
    """The transaction's 32-bit id, without its epoch."""


class Commit(msgspec.Struct, frozen=True, gc=False):
    commit_lsn: int
    end_lsn: int
    committed_at: int


class Message(msgspec.Struct, frozen=True, gc=False):
    transactional: bool
    lsn: int
    prefix: bytes
    content: bytes


class RelationColumn(msgspec.Struct, frozen=True, gc=False):
    name: str
    type_oid: int
    in_key: bool


class Relation(msgspec.Struct, frozen=True, gc=False):
    id: int
    schema: str
    name: str
    replica_identity: str
    columns: tuple[RelationColumn, ...]


class Insert(msgspec.Struct, frozen=True, gc=False):
    relation: int
    new: Values


class Update(msgspec.Struct, frozen=True, gc=False):
    relation: int
    old_key: Values | None
    """The old values of the key columns (the others null), when the key changed."""
    old: Values | None
    """The whole old row, under replica identity full."""
    new: Values


class Delete(msgspec.Struct, frozen=True, gc=False):
    relation: int
    old_key: Values | None
    old: Values | None


class Truncate(msgspec.Struct, frozen=True, gc=False):
    relations: tuple[int, ...]


class Ignored(msgspec.Struct, frozen=True, gc=False):
    """An origin or a type, which the log does not need."""

    kind: str


Decoded = Begin | Commit | Message | Relation | Insert | Update | Delete | Truncate | Ignored

_MESSAGE = struct.Struct(">xBQ")
_U16 = struct.Struct(">H")
_U32 = struct.Struct(">I")
_COLUMN_TYPE = struct.Struct(">Ii")
_MESSAGE_PREFIX_AT = 10

MALFORMATIONS: Final = (KeyError, IndexError, ValueError, struct.error)
"""What decoding raises for bytes that are not a message of its kind."""


def decode(data: bytes) -> Decoded:
    """The record of one pgoutput message; raises `MalformedStream` for anything else."""
    try:
        return _DECODERS[data[0]](data)
    except MALFORMATIONS as error:
        raise malformed(data, error) from error


def malformed(data: bytes, error: Exception) -> MalformedStream:
    """The error to raise when decoding `data` failed with one of `MALFORMATIONS`."""
    if isinstance(error, KeyError):
        return MalformedStream(reason=f"unknown message type {data[:1]!r}")
    return MalformedStream(reason=f"{data[:1]!r} of {len(data)} bytes: {error}")


unpack_begin = struct.Struct(">xQqI").unpack
"""The fields of a `Begin`, which is a third of what a busy stream is made of, as are commits and messages."""

unpack_commit = struct.Struct(">xxQQq").unpack
"""The fields of a `Commit`."""


def unpack_message(data: bytes) -> tuple[bool, int, bytes, bytes]:
    """The fields of a `Message`."""
    flags, lsn = _MESSAGE.unpack_from(data)
    end = data.index(0, _MESSAGE_PREFIX_AT)
    (size,) = _U32.unpack_from(data, end + 1)
    start = end + 5
    if len(data) != start + size:
        raise ValueError("the content's size is wrong")
    return flags & 1 == 1, lsn, data[_MESSAGE_PREFIX_AT:end], data[start:]


def decode_begin(data: bytes) -> Begin:
    return Begin(*unpack_begin(data))


def decode_commit(data: bytes) -> Commit:
    return Commit(*unpack_commit(data))


def decode_message(data: bytes) -> Message:
    return Message(*unpack_message(data))


def decode_relation(data: bytes) -> Relation:
    (relation,) = _U32.unpack_from(data, 1)
    schema, at = _string(data, 5)
    name, at = _string(data, at)
    identity = chr(data[at])
    (count,) = _U16.unpack_from(data, at + 1)
    at += 3
    columns = []
    for _ in range(count):
        in_key = data[at] & 1 == 1
        column, at = _string(data, at + 1)
        type_oid, _modifier = _COLUMN_TYPE.unpack_from(data, at)
        at += _COLUMN_TYPE.size
        columns.append(RelationColumn(column, type_oid, in_key))
    _expect_end(data, at)
    return Relation(relation, schema, name, identity, tuple(columns))


def decode_insert(data: bytes) -> Insert:
    (relation,) = _U32.unpack_from(data, 1)
    _expect(data, 5, b"N")
    new, at = _tuple(data, 6)
    _expect_end(data, at)
    return Insert(relation, new)


def decode_update(data: bytes) -> Update:
    (relation,) = _U32.unpack_from(data, 1)
    old_key, old, at = _old_tuple(data, 5)
    _expect(data, at, b"N")
    new, at = _tuple(data, at + 1)
    _expect_end(data, at)
    return Update(relation, old_key, old, new)


def decode_delete(data: bytes) -> Delete:
    (relation,) = _U32.unpack_from(data, 1)
    old_key, old, at = _old_tuple(data, 5)
    _expect_end(data, at)
    if old_key is None and old is None:
        raise ValueError("a delete without its row")
    return Delete(relation, old_key, old)


def decode_truncate(data: bytes) -> Truncate:
    (count,) = _U32.unpack_from(data, 1)
    _expect_end(data, 6 + 4 * count)
    return Truncate(struct.unpack_from(f">{count}I", data, 6))


def decode_ignored(data: bytes) -> Ignored:
    return Ignored(chr(data[0]))


def _old_tuple(data: bytes, at: int) -> tuple[Values | None, Values | None, int]:
    """The optional old part of an update or delete: key, whole row, and its end."""
    match data[at : at + 1]:
        case b"K":
            key, end = _tuple(data, at + 1)
            return key, None, end
        case b"O":
            row, end = _tuple(data, at + 1)
            return None, row, end
        case _:
            return None, None, at


def _tuple(data: bytes, at: int) -> tuple[Values, int]:
    (count,) = _U16.unpack_from(data, at)
    at += 2
    values: list[Value] = []
    for _ in range(count):
        match data[at : at + 1]:
            case b"t":
                (size,) = _U32.unpack_from(data, at + 1)
                at += 5
                if at + size > len(data):
                    raise ValueError("a value is cut short")
                values.append(data[at : at + size].decode())
                at += size
            case b"n":
                values.append(None)
                at += 1
            case b"u":
                values.append(UNCHANGED)
                at += 1
            case kind:
                raise ValueError(f"unknown kind of value {kind!r}")
    return tuple(values), at


def _string(data: bytes, at: int) -> tuple[str, int]:
    end = data.index(0, at)
    return data[at:end].decode(), end + 1


def _expect(data: bytes, at: int, mark: bytes) -> None:
    if data[at : at + 1] != mark:
        raise ValueError(f"{mark!r} expected at byte {at}, found {data[at : at + 1]!r}")


def _expect_end(data: bytes, at: int) -> None:
    if at != len(data):
        raise ValueError(f"the message has {len(data)} bytes, its content {at}")


_DECODERS: Final[dict[int, Callable[[bytes], Decoded]]] = {
    ord("B"): decode_begin,
    ord("C"): decode_commit,
    ord("M"): decode_message,
    ord("R"): decode_relation,
    ord("I"): decode_insert,
    ord("U"): decode_update,
    ord("D"): decode_delete,
    ord("T"): decode_truncate,
    ord("O"): decode_ignored,
    ord("Y"): decode_ignored,
}
