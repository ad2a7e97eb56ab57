"""Transactions out of decoded messages: which entries a commit adds to the log, and where each stands.

The ordinal counts every change and message of a transaction as the decoder hands it over, before any filtering, so
that what is published or ignored tomorrow renumbers nothing. An update that changes its row's key counts twice: it
is a delete of the old key and an insert of the new one.

A transaction too large for memory leaves as several fragments, of which only the last says `end_lsn`.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from headwater.commit import PREFIX, Header
from headwater.log import CHANGE, EVENT, MALFORMED
from headwater.observe import Occurrence, report
from headwater.types import Operation
from headwater.wal.pgoutput import (
    UNCHANGED,
    Begin,
    Commit,
    Decoded,
    Delete,
    Insert,
    MalformedStream,
    Message,
    Relation,
    Truncate,
    Update,
    Values,
)
from headwater.wal.rows import key_text, write_change

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


class Draft(NamedTuple):
    """An entry before its position and partition are written down; a key of None goes to every partition."""

    key: str | None
    ordinal: int
    kind: int
    body: bytes


class Fragment(NamedTuple):
    """A transaction, or a part of one."""

    xid: int
    commit_lsn: int
    end_lsn: int | None
    """Where the transaction's commit record ends; None when more of it follows."""
    last_ordinal: int
    drafts: list[Draft]
    size: int
    marks: bool
    """Moves the head even with no entries: a heartbeat."""


class Assembler:
    """Feed it every decoded message in order; it hands out fragments. Belongs to one connection and dies with it."""

    def __init__(self, fragment_bytes: int = FRAGMENT_BYTES) -> None:
        self._fragment_bytes = fragment_bytes
        self._relations: dict[int, Relation] = {}
        self._begin: Begin | None = None
        self._ordinal = 0
        self._drafts: list[Draft] = []
        self._size = 0
        self._marks = False
        self._handlers: dict[type, Callable[[Any], None]] = {
            Begin: self._on_begin,
            Message: self._on_message,
            Relation: self._on_relation,
            Insert: self._on_change,
            Update: self._on_change,
            Delete: self._on_change,
            Truncate: self._on_truncate,
        }

    @property
    def inside_transaction(self) -> bool:
        return self._begin is not None

    def feed(self, message: Decoded) -> Fragment | None:
        """The fragment that this message completes, if it does; raises `MalformedStream` for an impossible order."""
        if (handle := self._handlers.get(type(message))) is not None:
            handle(message)
        if type(message) is Commit:
            return self._on_commit(message)
        return self._cut(None) if self._size >= self._fragment_bytes else None

    def _on_begin(self, begin: Begin) -> None:
        if self._begin is not None:
            raise MalformedStream(reason="a transaction begins inside another")
        self._begin = begin
        self._ordinal = 0
        self._marks = False

    def _on_commit(self, commit: Commit) -> Fragment:
        begin = self._inside()
        if commit.commit_lsn != begin.commit_lsn:
            raise MalformedStream(reason="a commit that does not belong to its begin")
        fragment = self._cut(commit.end_lsn)
        self._begin = None
        return fragment

    def _on_message(self, message: Message) -> None:
        if not message.transactional:
            if message.prefix == EVENT_PREFIX:
                report(RefusedMessage(lsn=message.lsn))
            return
        self._inside()
        ordinal = self._count()
        if message.prefix == EVENT_PREFIX:
            self._add_event(ordinal, message.content)
        elif message.prefix == HEARTBEAT_PREFIX:
            self._marks = True

    def _add_event(self, ordinal: int, content: bytes) -> None:
        try:
            key = _decode_header(content).key
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            report(MalformedEvent(commit_lsn=self._inside().commit_lsn, ordinal=ordinal, reason=str(error)))
            self._add("", ordinal, MALFORMED, content)
        else:
            self._add(key, ordinal, EVENT, content)

    def _on_relation(self, relation: Relation) -> None:
        self._relations[relation.id] = relation

    def _on_change(self, change: Insert | Update | Delete) -> None:
        relation = self._relation(change.relation)
        match change:
            case Insert(_, new):
                self._add_change(relation, "insert", new, new)
            case Delete(_, old_key, old):
                self._add_change(relation, "delete", _before(old_key, old), ())
            case Update(_, None, None, new):
                self._add_change(relation, "update", new, new)
            case Update(_, old_key, old, new):
                before = _before(old_key, old)
                after = _complete(new, old)
                if key_text(relation, before) == key_text(relation, after):
                    self._add_change(relation, "update", after, after)
                else:
                    self._add_change(relation, "delete", before, ())
                    self._add_change(relation, "insert", after, after)

    def _add_change(self, relation: Relation, operation: Operation, key: Values, row: Values) -> None:
        self._add(key_text(relation, key), self._count(), CHANGE, write_change(relation, operation, key, row))

    def _on_truncate(self, truncate: Truncate) -> None:
        for relation in truncate.relations:
            body = write_change(self._relation(relation), "truncate", (), ())
            self._add(None, self._count(), CHANGE, body)

    def _add(self, key: str | None, ordinal: int, kind: int, body: bytes) -> None:
        self._drafts.append(Draft(key, ordinal, kind, body))
        self._size += len(body) + _ENTRY_OVERHEAD_BYTES

    def _cut(self, end_lsn: int | None) -> Fragment:
        begin = self._inside()
        fragment = Fragment(
            begin.xid, begin.commit_lsn, end_lsn, max(self._ordinal - 1, 0), self._drafts, self._size, self._marks
        )
        self._drafts = []
        self._size = 0
        return fragment

    def _count(self) -> int:
        ordinal = self._ordinal
        if ordinal >= 1 << 32:
            raise MalformedStream(reason="a transaction of more than 2**32 changes")
        self._ordinal = ordinal + 1
        return ordinal

    def _inside(self) -> Begin:
        if self._begin is None:
            raise MalformedStream(reason="a change outside any transaction")
        return self._begin

    def _relation(self, relation: int) -> Relation:
        try:
            return self._relations[relation]
        except KeyError:
            raise MalformedStream(reason=f"relation {relation} was never described") from None


def _before(old_key: Values | None, old: Values | None) -> Values:
    before = old_key if old_key is not None else old
    if before is None:
        raise MalformedStream(reason="a change without the key of its row")
    return before


def _complete(new: Values, old: Values | None) -> Values:
    """The new row, with what the update left alone taken from the old one where the WAL carried it."""
    if old is None:
        return new
    return tuple(before if after is UNCHANGED else after for after, before in zip(new, old, strict=True))
