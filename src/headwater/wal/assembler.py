"""Transactions out of decoded messages: which entries a commit adds to the log, and where each stands.

The ordinal counts every change and message of a transaction as the decoder hands it over, whatever becomes of it
here. An update that changes its row's key counts twice: it is a delete of the old key and an insert of the new one.
What is not in the publication never reaches us and is not counted, so another publication gives the same transaction
other ordinals. That is safe because the log's head moves over whole transactions only: one that is in the log is
never numbered again, and one that was half appended is forgotten before it is decoded anew.

A transaction too large for memory leaves as several fragments, of which only the last says `end_lsn`.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from headwater.commit import PREFIX, Header
from headwater.log import CHANGE, EVENT, MALFORMED
from headwater.observe import Occurrence, report
from headwater.types import Operation
from headwater.wal.pgoutput import (
    Begin,
    Commit,
    Decoded,
    Delete,
    Ignored,
    Insert,
    MalformedStream,
    Message,
    Relation,
    Truncate,
    Update,
    Values,
)
from headwater.wal.rows import RowWriter

FRAGMENT_BYTES = 2 * 1024 * 1024
"""Entries of one transaction held in memory before they are handed on as a fragment."""

EVENT_PREFIX = PREFIX.encode()
HEARTBEAT_PREFIX = f"{PREFIX}.heartbeat".encode()

_ENTRY_OVERHEAD_BYTES = 200
_decode_header = msgspec.json.Decoder(Header).decode


class RefusedMessage(Occurrence, frozen=True):
    """A message came under our prefix outside any transaction: it has no commit, so it has no position."""

    lsn: int


class MalformedEvent(Occurrence, frozen=True):
    """A message under our prefix is no envelope; it stands in the log as such."""

    commit_lsn: int
    ordinal: int
    reason: str


class Draft(msgspec.Struct, frozen=True, gc=False):
    """An entry before its position and partition are written down; a key of None goes to every partition."""

    key: str | None
    ordinal: int
    kind: int
    body: bytes


class Fragment(msgspec.Struct, frozen=True, gc=False):
    """A transaction, or a part of one."""

    xid: int
    commit_lsn: int
    end_lsn: int | None
    """Where the transaction's commit record ends; None when more of it follows."""
    last_ordinal: int
    drafts: list[Draft]
    size: int
    marks: bool
    """Moves the head even with no drafts: a heartbeat, or the end of a transaction of several fragments."""


class Assembler:
    """Feed it every decoded message in order; it hands out fragments. Belongs to one connection and dies with it."""

    def __init__(self, fragment_bytes: int = FRAGMENT_BYTES) -> None:
        self._fragment_bytes = fragment_bytes
        self._writers: dict[int, RowWriter] = {}
        self._begin: Begin | None = None
        self._ordinal = 0
        self._drafts: list[Draft] = []
        self._size = 0
        self._marks = False
        self._handlers: dict[type, Callable[[Any], None]] = {
            Begin: self._on_begin,
            Message: self._on_message,
            Relation: self._on_relation,
            Insert: self._on_insert,
            Update: self._on_update,
            Delete: self._on_delete,
            Truncate: self._on_truncate,
            Ignored: self._on_ignored,
        }

    @property
    def inside_transaction(self) -> bool:
        return self._begin is not None

    def feed(self, message: Decoded) -> Fragment | None:
        """The fragment that this message completes, if it does; raises `MalformedStream` for an impossible order."""
        if type(message) is Commit:
            return self._on_commit(message)
        self._handlers[type(message)](message)
        return self._cut(None) if self._size >= self._fragment_bytes else None

    def _on_begin(self, begin: Begin) -> None:
        if self._begin is not None:
            raise MalformedStream(reason="a transaction begins inside another")
        self._begin = begin

    def _on_commit(self, commit: Commit) -> Fragment:
        if commit.commit_lsn != self._inside().commit_lsn:
            raise MalformedStream(reason="a commit that does not belong to its begin")
        fragment = self._cut(commit.end_lsn)
        self._begin = None
        self._ordinal = 0
        self._marks = False
        return fragment

    def _on_message(self, message: Message) -> None:
        if not message.transactional:
            if message.prefix == EVENT_PREFIX:
                report(RefusedMessage(lsn=message.lsn))
            return
        ordinal = self._count()
        if message.prefix == EVENT_PREFIX:
            self._add_event(ordinal, message.content)
        elif message.prefix == HEARTBEAT_PREFIX:
            self._marks = True

    def _add_event(self, ordinal: int, content: bytes) -> None:
        try:
            key = _decode_header(content).key
            if "\0" in key:
                raise ValueError("its key has a NUL character, which no text in PostgreSQL can hold")
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            report(MalformedEvent(commit_lsn=self._inside().commit_lsn, ordinal=ordinal, reason=str(error)))
            self._add("", ordinal, MALFORMED, content)
        else:
            self._add(key, ordinal, EVENT, content)

    def _on_relation(self, relation: Relation) -> None:
        self._writers[relation.id] = RowWriter(relation)

    def _on_insert(self, insert: Insert) -> None:
        self._add_change(self._writer(insert.relation), "insert", insert.new, insert.new)

    def _on_delete(self, delete: Delete) -> None:
        before = delete.old_key if delete.old_key is not None else delete.old
        if before is None:
            raise MalformedStream(reason="a delete without its row")
        self._add_change(self._writer(delete.relation), "delete", before, None)

    def _on_update(self, update: Update) -> None:
        """Without an old tuple the key is as it was."""
        writer = self._writer(update.relation)
        before = update.old_key if update.old_key is not None else update.old
        after = writer.complete(update.new, update.old_key, update.old)
        if before is None or writer.key_of(before) == writer.key_of(after):
            self._add_change(writer, "update", after, after)
        else:
            self._add_change(writer, "delete", before, None)
            self._add_change(writer, "insert", after, after)

    def _add_change(self, writer: RowWriter, operation: Operation, key: Values, row: Values | None) -> None:
        text, body = writer.write(operation, key, row)
        self._add(text, self._count(), CHANGE, body)

    def _on_truncate(self, truncate: Truncate) -> None:
        for relation in truncate.relations:
            self._add(None, self._count(), CHANGE, self._writer(relation).write_truncate())

    def _on_ignored(self, ignored: Ignored) -> None:
        """An origin or a type's name: the entries say nothing of either."""

    def _add(self, key: str | None, ordinal: int, kind: int, body: bytes) -> None:
        self._drafts.append(Draft(key, ordinal, kind, body))
        self._size += len(body) + _ENTRY_OVERHEAD_BYTES

    def _cut(self, end_lsn: int | None) -> Fragment:
        """Hand over what has gathered. Once a part of a transaction has gone, its end must not pass for nothing."""
        begin = self._inside()
        fragment = Fragment(
            begin.xid, begin.commit_lsn, end_lsn, max(self._ordinal - 1, 0), self._drafts, self._size, self._marks
        )
        self._drafts = []
        self._size = 0
        self._marks = True
        return fragment

    def _count(self) -> int:
        self._inside()
        ordinal = self._ordinal
        if ordinal >= 1 << 32:
            raise MalformedStream(reason="a transaction of more than 2**32 changes")
        self._ordinal = ordinal + 1
        return ordinal

    def _inside(self) -> Begin:
        if self._begin is None:
            raise MalformedStream(reason="a change outside any transaction")
        return self._begin

    def _writer(self, relation: int) -> RowWriter:
        try:
            return self._writers[relation]
        except KeyError:
            raise MalformedStream(reason=f"relation {relation} was never described") from None
