"""The appender: writes fragments to the log as batches. One transaction appends, moves the head and is the fence.

``headwater.append`` in the database makes every decision. This side sorts entries by partition, passes the newest
snapshot from one call to the next, and creates segments before it appends to them.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Final

import asyncpg

from headwater.log import Position, partition_of
from headwater.log.batch import FORMAT, XID_BYTES, position_of, write_head
from headwater.log.head import Head
from headwater.log.segments import Segments
from headwater.wal.assembler import Fragment
from headwater.wal.errors import WalError
from headwater.wal.gate import LOW_32_BITS, Snapshot

MANY_UNSEEN: Final = 16
"""With more transactions than this that the last snapshot does not see, a fresh snapshot is cheaper than a query
about each."""

Runs = Mapping[int, list[bytes]]
"""The encoded entries of each partition, in order."""


class Fenced(WalError):
    """Another relay has taken over the log of the slot {slot!r}; this one stops."""


class LayoutChanged(WalError):
    """The partition layout of the log changed; the relay restarts from its slot."""


class AppendResult(Enum):
    APPENDED = "appended"
    INVISIBLE = "invisible"


class Appender:
    """The only writer of a log. It knows the head without a query, because nobody else can move it."""

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
    def slot(self) -> str:
        return self._head.slot

    @property
    def position(self) -> Position:
        return self._position

    @property
    def scanned(self) -> int:
        return self._scanned

    async def append(self, fragments: Sequence[Fragment]) -> AppendResult:
        """Append complete transactions, or one part of a transaction, and move the head over the complete ones.

        Returns `INVISIBLE`, and appends nothing, when one of them is not visible to others yet; `snapshot` is then
        fresh.
        Raises `Fenced` or `LayoutChanged`.
        """
        runs = self._sort(fragments)
        newest = fragments[-1]
        if newest.end_lsn is None:
            return await self._call(self._position, self._scanned, [], runs)
        return await self._call(self._end_of(newest), newest.end_lsn, await self._unseen(fragments), runs)

    async def advance(self, scanned: int) -> AppendResult:
        """Record that everything before `scanned` is processed and had no further entries."""
        return await self._call(self._position, scanned, [], {})

    async def look(self) -> None:
        """Take a fresh snapshot."""
        self.snapshot = Snapshot.read(await self._connection.fetchval("select pg_current_snapshot()"))

    async def _call(self, position: Position, scanned: int, xids: list[int], runs: Runs) -> AppendResult:
        epoch = self._position.epoch
        lasts = [position_of(epoch, run[-1]) for run in runs.values()]
        for last in lasts:
            await self._segments.ensure(last)
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
            [bytes(last) for last in lasts],
            [bytes(position_of(epoch, run[0])) for run in runs.values()],
            [len(run) for run in runs.values()],
            [b"".join(run) for run in runs.values()],
        )
        self.snapshot = Snapshot.read(snapshot)
        match outcome:
            case "appended":
                self._position = position
                self._scanned = max(scanned, self._scanned)
                if self._horizon_once_scanned is None:
                    self._horizon_once_scanned = int(lsn), self.snapshot.xmin
                return AppendResult.APPENDED
            case "invisible":
                return AppendResult.INVISIBLE
            case "relaid":
                raise LayoutChanged()
            case _:
                raise Fenced(slot=self._head.slot)

    def _sort(self, fragments: Sequence[Fragment]) -> Runs:
        runs: defaultdict[int, list[bytes]] = defaultdict(list)
        partitions, oldest = self._head.partitions, self.snapshot.oldest
        for fragment in fragments:
            commit_lsn = fragment.commit_lsn
            xid = oldest + (fragment.xid - oldest & LOW_32_BITS)  # `widen`, without a call for each
            for draft in fragment.drafts:
                key, body = draft.key, draft.body
                entry = write_head(XID_BYTES + len(body), commit_lsn, draft.ordinal, FORMAT | draft.kind, xid) + body
                if key is not None:
                    runs[partition_of(key, partitions)].append(entry)
                else:
                    for partition in range(partitions):
                        runs[partition].append(entry)
        return runs

    def _end_of(self, fragment: Fragment) -> Position:
        return Position(self._position.epoch, fragment.commit_lsn, fragment.last_ordinal)

    async def _unseen(self, fragments: Sequence[Fragment]) -> list[int]:
        xids = [fragment.xid for fragment in fragments]
        unseen = self.snapshot.unseen(xids)
        if len(unseen) > MANY_UNSEEN:
            await self.look()
            unseen = self.snapshot.unseen(xids)
        return unseen

    def _horizon_at(self, scanned: int) -> int:
        """The xmin of a snapshot becomes the horizon once everything written before the snapshot is in the log."""
        if self._horizon_once_scanned is not None and scanned >= self._horizon_once_scanned[0]:
            self._horizon = self._horizon_once_scanned[1]
            self._horizon_once_scanned = None
        return self._horizon
