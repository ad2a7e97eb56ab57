"""The assembler: turns pgoutput messages into transactions: the entries that a commit adds to the log, with ordinals.

The ordinal counts every change and message of a transaction that the decoder delivers, whether or not it becomes an
entry. An update that changes its row's key counts twice: as a delete of the old key and an insert of the new one.
Changes outside the publication are not delivered and not counted, so another publication gives the same transaction
other ordinals. That is safe because the log's head moves over complete transactions only. A transaction in the log is
never numbered again, and a partly appended one is deleted before it is decoded again.

A transaction too large for memory leaves as several fragments, of which only the last says `end_lsn`.
"""

from collections.abc import Callable
from typing import ClassVar

import msgspec

from headwater.commit import PREFIX, decode_header
from headwater.log import CHANGE, EVENT, MALFORMED
from headwater.observe import Level, Occurrence, report
from headwater.types import Operation
from headwater.wal.catalog import RelationDescription
from headwater.wal.pgoutput import (
    MALFORMATIONS,
    MalformedStream,
    Relation,
    Values,
    decode_delete,
    decode_insert,
    decode_relation,
    decode_truncate,
    decode_update,
    malformed,
    unpack_begin,
    unpack_commit,
    unpack_message,
)
from headwater.wal.rows import RowWriter

FRAGMENT_BYTES = 2 * 1024 * 1024
"""The size of a transaction's entries in memory at which they are passed on as a fragment."""

EVENT_PREFIX = PREFIX.encode()
HEARTBEAT_PREFIX = f"{PREFIX}.heartbeat".encode()

LAST_ORDINAL = (1 << 32) - 1

_ENTRY_OVERHEAD_BYTES = 200


class RefusedMessage(Occurrence, frozen=True):
    """A message with the prefix of Headwater was written outside a transaction. It has no commit and thus no position,
    so it is not in the log."""

    level: ClassVar[Level] = "warning"
    lsn: int


class MalformedEvent(Occurrence, frozen=True):
    """A message with the prefix of Headwater is not a valid envelope. It is in the log as a malformed entry."""

    level: ClassVar[Level] = "warning"
    commit_lsn: int
    ordinal: int
    reason: str


class EntryDraft(msgspec.Struct, frozen=True, gc=False):
    """An entry without position and partition. One whose key is None goes to every partition."""

    key: str | None
    ordinal: int
    kind: int
    body: bytes


class Fragment(msgspec.Struct, frozen=True, gc=False):
    """A transaction, or a part of one."""

    xid: int
    """Its 32-bit id, without the epoch."""
    commit_lsn: int
    end_lsn: int | None
    """The end of the transaction's commit record; None when more of the transaction follows."""
    last_ordinal: int
    drafts: list[EntryDraft]
    size: int
    marks: bool
    """Moves the head even without drafts: a heartbeat, or the end of a transaction of several fragments."""


class Assembler:
    """Takes every message in order and returns fragments. It belongs to one connection and ends with it."""

    def __init__(self, fragment_bytes: int = FRAGMENT_BYTES) -> None:
        self._fragment_bytes = fragment_bytes
        self._writers: dict[int, RowWriter] = {}
        self._inside = False
        self._xid = 0
        self._commit_lsn = 0
        self._ordinal = 0
        self._drafts: list[EntryDraft] = []
        self._size = 0
        self._marks = False
        self._handlers: dict[int, Callable[[bytes], Fragment | Relation | None]] = {
            ord("B"): self._on_begin,
            ord("M"): self._on_message,
            ord("C"): self._on_commit,
            ord("R"): self._on_relation,
            ord("I"): self._on_insert,
            ord("U"): self._on_update,
            ord("D"): self._on_delete,
            ord("T"): self._on_truncate,
            ord("O"): self._on_ignored,
            ord("Y"): self._on_ignored,
        }

    @property
    def inside_transaction(self) -> bool:
        return self._inside

    @property
    def xid(self) -> int:
        """The 32-bit id of the current transaction."""
        return self._xid

    def describe(self, relation: Relation, description: RelationDescription) -> None:
        """Add what the message of a relation does not contain. Until then its key is its replica identity."""
        self._writers[relation.id] = RowWriter(relation, description)

    def feed(self, data: bytes) -> Fragment | Relation | None:
        """The fragment that this message completes, or the relation that it defines, which the caller must describe.

        Raises `MalformedStream` for bytes that are not a message, and for a message that is out of order.
        """
        try:
            product = self._handlers[data[0]](data)
        except MALFORMATIONS as error:
            raise malformed(data, error) from error
        return product if self._size < self._fragment_bytes else self._cut(None)

    def _on_begin(self, data: bytes) -> None:
        if self._inside:
            raise MalformedStream(reason="a transaction begins inside another")
        self._commit_lsn, _, self._xid = unpack_begin(data)
        self._inside = True

    def _on_commit(self, data: bytes) -> Fragment:
        commit_lsn, end_lsn, _ = unpack_commit(data)
        if not self._inside or commit_lsn != self._commit_lsn:
            raise MalformedStream(reason="a commit that does not belong to its begin")
        fragment = self._cut(end_lsn)
        self._inside = False
        self._ordinal = 0
        self._marks = False
        return fragment

    def _on_message(self, data: bytes) -> None:
        transactional, lsn, prefix, content = unpack_message(data)
        if not transactional:
            if prefix == EVENT_PREFIX:
                report(RefusedMessage(lsn=lsn))
            return
        ordinal = self._count()
        if prefix == EVENT_PREFIX:
            self._add_event(ordinal, content)
        elif prefix == HEARTBEAT_PREFIX:
            self._marks = True

    def _add_event(self, ordinal: int, content: bytes) -> None:
        try:
            key = decode_header(content).key
            if "\0" in key:
                raise ValueError("its key has a NUL character, which PostgreSQL cannot store")
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            report(MalformedEvent(commit_lsn=self._commit_lsn, ordinal=ordinal, reason=str(error)))
            self._add("", ordinal, MALFORMED, content)
        else:
            self._add(key, ordinal, EVENT, content)

    def _on_relation(self, data: bytes) -> Relation:
        relation = decode_relation(data)
        self._writers[relation.id] = RowWriter(relation)
        return relation

    def _on_insert(self, data: bytes) -> None:
        insert = decode_insert(data)
        self._add_change(self._writer(insert.relation), "insert", insert.new, None)

    def _on_delete(self, data: bytes) -> None:
        delete = decode_delete(data)
        writer = self._writer(delete.relation)
        before = writer.before(delete.old_key, delete.old)
        assert before is not None, "decode_delete sees to it"
        self._add_change(writer, "delete", before, before)

    def _on_update(self, data: bytes) -> None:
        """Without an old tuple the key is unchanged."""
        update = decode_update(data)
        writer = self._writer(update.relation)
        before = writer.before(update.old_key, update.old)
        if before is None:
            self._add_change(writer, "update", update.new, None)
            return
        after = writer.complete(update.new, before)
        if writer.key_of(before) == writer.key_of(after):
            self._add_change(writer, "update", after, before)
        else:
            self._add_change(writer, "delete", before, before)
            self._add_change(writer, "insert", after, None)

    def _add_change(self, writer: RowWriter, operation: Operation, row: Values, before: Values | None) -> None:
        text, body = writer.write(operation, row, before)
        self._add(text, self._count(), CHANGE, body)

    def _on_truncate(self, data: bytes) -> None:
        for relation in decode_truncate(data).relations:
            self._add(None, self._count(), CHANGE, self._writer(relation).write_truncate())

    def _on_ignored(self, data: bytes) -> None:
        """An origin, or the name of a type: entries contain neither."""

    def _add(self, key: str | None, ordinal: int, kind: int, body: bytes) -> None:
        self._drafts.append(EntryDraft(key, ordinal, kind, body))
        self._size += len(body) + _ENTRY_OVERHEAD_BYTES

    def _cut(self, end_lsn: int | None) -> Fragment:
        """Return what is collected. After a part of a transaction was returned, its end must move the head."""
        last_ordinal = self._ordinal - 1 if self._ordinal else 0
        fragment = Fragment(self._xid, self._commit_lsn, end_lsn, last_ordinal, self._drafts, self._size, self._marks)
        self._drafts = []
        self._size = 0
        self._marks = True
        return fragment

    def _count(self) -> int:
        if not self._inside:
            raise MalformedStream(reason="a change outside any transaction")
        ordinal = self._ordinal
        if ordinal > LAST_ORDINAL:
            raise MalformedStream(reason="a transaction of more than 2**32 changes")
        self._ordinal = ordinal + 1
        return ordinal

    def _writer(self, relation: int) -> RowWriter:
        if relation not in self._writers:
            raise MalformedStream(reason=f"relation {relation} was never described")
        return self._writers[relation]
