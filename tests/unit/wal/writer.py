"""Writes pgoutput messages, byte by byte as PostgreSQL's manual describes them: the decoder's counterpart."""

import struct

from headwater.wal.pgoutput import (
    UNCHANGED,
    Begin,
    Commit,
    Decoded,
    Delete,
    Ignored,
    Insert,
    Message,
    Relation,
    Truncate,
    Update,
    Values,
)


def write(message: Decoded) -> bytes:
    """The bytes of a message."""
    match message:
        case Begin(commit_lsn, committed_at, xid):
            return b"B" + struct.pack(">QqI", commit_lsn, committed_at, xid)
        case Commit(commit_lsn, end_lsn, committed_at):
            return b"C\0" + struct.pack(">QQq", commit_lsn, end_lsn, committed_at)
        case Message(transactional, lsn, prefix, content):
            head = struct.pack(">BQ", transactional, lsn)
            return b"M" + head + prefix + b"\0" + struct.pack(">I", len(content)) + content
        case Relation():
            return _relation(message)
        case Insert(relation, new):
            return b"I" + struct.pack(">I", relation) + b"N" + _values(new)
        case Update(relation, old_key, old, new):
            return b"U" + struct.pack(">I", relation) + _before(old_key, old) + b"N" + _values(new)
        case Delete(relation, old_key, old):
            return b"D" + struct.pack(">I", relation) + _before(old_key, old)
        case Truncate(relations):
            return b"T" + struct.pack(f">IB{len(relations)}I", len(relations), 0, *relations)
        case Ignored(kind):
            return kind.encode() + b"whatever follows"
    raise AssertionError(message)


def _relation(relation: Relation) -> bytes:
    head = struct.pack(">I", relation.id) + _string(relation.schema) + _string(relation.name)
    columns = b"".join(
        struct.pack(">B", column.in_key) + _string(column.name) + struct.pack(">Ii", column.type_oid, -1)
        for column in relation.columns
    )
    identity = relation.replica_identity.encode()
    return b"R" + head + identity + struct.pack(">H", len(relation.columns)) + columns


def _before(old_key: Values | None, old: Values | None) -> bytes:
    if old_key is not None:
        return b"K" + _values(old_key)
    return b"" if old is None else b"O" + _values(old)


def _values(values: Values) -> bytes:
    return struct.pack(">H", len(values)) + b"".join(_value(value) for value in values)


def _value(value: object) -> bytes:
    if value is None:
        return b"n"
    if value is UNCHANGED:
        return b"u"
    text = str(value).encode()
    return b"t" + struct.pack(">I", len(text)) + text


def _string(text: str) -> bytes:
    return text.encode() + b"\0"
