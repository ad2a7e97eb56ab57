"""Fragments into batches, batches into the log: one transaction moves the head and is the fence.

Everything is decided by ``headwater.append`` in the database; this side groups entries by partition, carries the
newest snapshot from one call to the next, and makes room in segments before it appends.
"""

from collections.abc import Sequence
from enum import Enum

import asyncpg

from headwater.log import Position, partition_of, write_entry
from headwater.log.head import Head, LogError
from headwater.log.segments import Segments
from headwater.wal.assembler import Fragment
from headwater.wal.gate import Snapshot


class Fenced(LogError):
    """Another relay has taken over the log of the slot {slot!r}; this one stops."""


class Relaid(LogError):
    """The partitions of the log changed; the relay begins again from its slot."""


class Outcome(Enum):
    APPENDED = "appended"
    INVISIBLE = "invisible"


class _Run:
    """The entries of one partition, on their way to become a batch."""

    __slots__ = ("count", "first", "last", "payload")

    def __init__(self, first: tuple[int, int, int]) -> None:
        self.first = self.last = first
        self.count = 0
        self.payload = bytearray()


class Appender:
    """The only writer of a log. Knows the head without asking, because nobody else can have moved it."""

    def __init__(self, connection: asyncpg.Connection, head: Head, snapshot: Snapshot, segments: Segments) -> None:
        self._connection = connection
        self._head = head
        self._segments = segments
        self._position = head.position
        self._scanned = head.scanned
        self._horizon = head.horizon
        self._horizon_once_scanned: tuple[int, int] | None = None
        self.snapshot = snapshot

    @property
    def position(self) -> Position:
        return self._position

    @property
    def scanned(self) -> int:
        return self._scanned

    async def append(self, fragments: Sequence[Fragment]) -> Outcome:
        """Append whole transactions, or one part of a transaction, and move the head over those that are whole.

        Says `INVISIBLE`, with nothing done, when one of them cannot be seen by others yet; `snapshot` is fresh then.
        Raises `Fenced` or `Relaid`.
        """
        runs = self._group(fragments)
        for last in {run.last for run in runs.values()}:
            await self._segments.ensure(Position(*last))
        newest = fragments[-1]
        whole = newest.end_lsn is not None
        return await self._call(
            self._place(newest) if whole else self._position,
            newest.end_lsn if newest.end_lsn is not None else self._scanned,
            self._unseen(fragments) if whole else [],
            runs,
        )

    async def advance(self, scanned: int) -> Outcome:
        """Remember that everything before `scanned` held nothing for the log."""
        return await self._call(self._position, scanned, [], {})

    async def look(self) -> None:
        """Take a fresh snapshot."""
        self.snapshot = Snapshot.read(await self._connection.fetchval("select pg_current_snapshot()"))

    async def _call(self, position: Position, scanned: int, xids: list[int], runs: dict[int, _Run]) -> Outcome:
        outcome, snapshot, lsn = await self._connection.fetchrow(
            "select outcome, snapshot, lsn from headwater.append($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13)",
            self._head.slot,
            self._head.term,
            self._head.generation,
            bytes(self._position),
            bytes(position),
            scanned,
            self._horizon_at(scanned),
            xids,
            list(runs),
            [bytes(Position(*run.last)) for run in runs.values()],
            [bytes(Position(*run.first)) for run in runs.values()],
            [run.count for run in runs.values()],
            [bytes(run.payload) for run in runs.values()],
        )
        self.snapshot = Snapshot.read(snapshot)
        match outcome:
            case "appended":
                self._position = position
                self._scanned = max(scanned, self._scanned)
                if self._horizon_once_scanned is None:
                    self._horizon_once_scanned = int(lsn), self.snapshot.xmin
                return Outcome.APPENDED
            case "invisible":
                return Outcome.INVISIBLE
            case "relaid":
                raise Relaid()
            case _:
                raise Fenced(slot=self._head.slot)

    def _group(self, fragments: Sequence[Fragment]) -> dict[int, _Run]:
        runs: dict[int, _Run] = {}
        epoch, partitions = self._position.epoch, self._head.partitions
        for fragment in fragments:
            commit_lsn = fragment.commit_lsn
            for key, ordinal, kind, body in fragment.drafts:
                for partition in range(partitions) if key is None else (partition_of(key, partitions),):
                    run = runs.get(partition)
                    if run is None:
                        run = runs[partition] = _Run((epoch, commit_lsn, ordinal))
                    run.last = (epoch, commit_lsn, ordinal)
                    run.count += 1
                    write_entry(run.payload, commit_lsn, ordinal, kind, body)
        return runs

    def _place(self, fragment: Fragment) -> Position:
        return Position(self._position.epoch, fragment.commit_lsn, fragment.last_ordinal)

    def _unseen(self, fragments: Sequence[Fragment]) -> list[int]:
        widen, sees = self.snapshot.widen, self.snapshot.sees
        return [xid for fragment in fragments if not sees(xid := widen(fragment.xid))]

    def _horizon_at(self, scanned: int) -> int:
        """A snapshot's xmin becomes the horizon once everything written before that snapshot is in the log."""
        if self._horizon_once_scanned is not None and scanned >= self._horizon_once_scanned[0]:
            self._horizon = self._horizon_once_scanned[1]
            self._horizon_once_scanned = None
        return self._horizon
