"""The acknowledge rule: an append is acknowledged to the slot only after every standby has flushed it.

A standby receives the log by streaming, and the confirmed position of the relay's slot separately. The position can
overtake the log. The append of an entry is a later WAL record than the commit that it describes, and a standby accepts
a confirmed position as soon as it has the WAL up to that position. If streaming stops between the two records and this
standby is promoted, it has the row, no entry, and a slot that is past both.

Waiting costs almost nothing, because the standby's own slot holds the same WAL. It ends when half of
``max_slot_wal_keep_size`` is used up: losing the relay's slot would be worse than losing a standby. The relay names
each standby that it gives up, and the start check refuses one that is promoted nevertheless.
"""

import time
from collections.abc import Awaitable, Callable
from typing import ClassVar, Final, NamedTuple

from headwater.observe import Level, Occurrence, report
from headwater.wal.standby import Replication

READ_EVERY_SECONDS: Final = 0.2
PATIENCE_SECONDS: Final = 10.0
"""How long a standby may lack one append before it is reported, and before it may be given up."""


class StandbyBehind(Occurrence, frozen=True):
    """Standbys have not received an append for a long time. PostgreSQL holds WAL until they receive it, or until their
    physical slots are dropped."""

    level: ClassVar[Level] = "warning"
    slots: list[str]
    waited_seconds: float
    held_bytes: int


class StandbyGivenUp(Occurrence, frozen=True):
    """The relay no longer waits for these standbys: half of ``max_slot_wal_keep_size`` is used up, or their physical
    slots are invalidated. Do not promote them before they have caught up."""

    level: ClassVar[Level] = "error"
    slots: list[str]
    held_bytes: int


class StandbyCaughtUp(Occurrence, frozen=True):
    """Standbys that were given up have received everything that was acknowledged without them, or their physical slots
    were dropped."""

    slots: list[str]


class _Candidate(NamedTuple):
    """The append that is acknowledged next."""

    scanned: int
    committed_lsn: int
    """The end of the append is at or before it."""
    since: float


class Acknowledger:
    """Acknowledges appends in order, each once every standby has it.

    It reads the state of the standbys at most every `READ_EVERY_SECONDS`, however many appends there are, and never
    while everything is acknowledged. `acknowledge` tells the server; `read` must cover every append before the call.
    """

    def __init__(
        self,
        acknowledge: Callable[[int], None],
        read: Callable[[], Awaitable[Replication]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._acknowledge = acknowledge
        self._read = read
        self._clock = clock
        self._read_at = clock()
        self._appended = 0
        self._acknowledged = 0
        self._candidate: _Candidate | None = None
        self._passed_lsn = 0
        self._reported: set[str] = set()
        self._given_up: set[str] = set()

    def appended(self, scanned: int) -> None:
        """Note that everything before `scanned` is in the log, and committed."""
        self._appended = max(scanned, self._appended)

    def seconds_left(self) -> float | None:
        """Seconds until `settle` is due; None while everything is acknowledged."""
        return self._read_at - self._clock() if self._appended > self._acknowledged else None

    def is_due(self) -> bool:
        left = self.seconds_left()
        return left is not None and left <= 0

    async def settle(self) -> bool:
        """Acknowledge what every standby has; returns whether there was anything."""
        found = await self._read()
        now = self._clock()
        self._read_at = now + READ_EVERY_SECONDS
        candidate = self._candidate or self._next(found, now)
        if self._must_wait(candidate, found, now):
            self._candidate = candidate
            return False
        self._acknowledge(candidate.scanned)
        self._acknowledged, self._passed_lsn = candidate.scanned, candidate.committed_lsn
        self._candidate = self._next(found, now) if self._appended > self._acknowledged else None
        return True

    def standbys_behind(self) -> list[str]:
        """The physical slots of standbys that were reported and have not caught up since."""
        return sorted(self._reported | self._given_up)

    def _next(self, found: Replication, now: float) -> _Candidate:
        return _Candidate(self._appended, found.committed_lsn, now)

    def _must_wait(self, candidate: _Candidate, found: Replication, now: float) -> bool:
        behind, waited = found.behind(candidate.committed_lsn), now - candidate.since
        is_late = waited >= PATIENCE_SECONDS
        self._reported &= behind
        self._take_back(self._given_up - found.behind(self._passed_lsn))
        hopeless = behind if is_late and found.is_half_used() else found.lost()
        self._give_up(hopeless - self._given_up, found.held_bytes)
        waiting = behind - self._given_up
        if is_late:
            self._complain(waiting - self._reported, waited, found.held_bytes)
        return bool(waiting)

    def _take_back(self, slots: set[str]) -> None:
        if slots:
            self._given_up -= slots
            report(StandbyCaughtUp(slots=sorted(slots)))

    def _give_up(self, slots: set[str], held_bytes: int) -> None:
        if slots:
            self._given_up |= slots
            report(StandbyGivenUp(slots=sorted(slots), held_bytes=held_bytes))

    def _complain(self, slots: set[str], waited_seconds: float, held_bytes: int) -> None:
        if slots:
            self._reported |= slots
            report(StandbyBehind(slots=sorted(slots), waited_seconds=waited_seconds, held_bytes=held_bytes))
