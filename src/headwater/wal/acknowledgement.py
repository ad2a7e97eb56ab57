"""What the slot may forget: only what every standby can go on without.

A standby receives the log by streaming, and the position of the relay's slot in another way. The position can overtake
the log: the append of an entry is a later record of the WAL than the commit that the entry is about, and a standby
takes over an acknowledged position as soon as it has the WAL up to there. If streaming stops between the two and this
standby is promoted, it has the row, no entry, and a slot that is past both. So an append is acknowledged only once
each standby has flushed the WAL up to the end of the append.

Waiting costs next to nothing, for the standby's own slot holds the same WAL. It ends when half of
``max_slot_wal_keep_size`` is used up, since to lose the relay's slot would be worse than to lose a standby. Whoever is
given up then is named, and the start check refuses to go on from it if it is promoted all the same.
"""

import time
from collections.abc import Awaitable, Callable
from typing import ClassVar, Final, NamedTuple

from headwater.observe import Level, Occurrence, report
from headwater.wal.standby import Replication

READ_EVERY_SECONDS: Final = 0.2
PATIENCE_SECONDS: Final = 10.0
"""How long a standby may lack one append before that is reported, and before it may be given up."""


class StandbyBehind(Occurrence, frozen=True):
    """Standbys have not received what the relay appended. PostgreSQL holds WAL until they have, or until their
    physical slots are dropped."""

    level: ClassVar[Level] = "warning"
    slots: list[str]
    waited_seconds: float
    held_bytes: int


class StandbyGivenUp(Occurrence, frozen=True):
    """The relay does not wait for these standbys any more: half of the WAL that PostgreSQL may hold for the relay is
    held, or their physical slots are invalidated. Do not promote them before they have caught up."""

    level: ClassVar[Level] = "error"
    slots: list[str]
    held_bytes: int


class StandbyCaughtUp(Occurrence, frozen=True):
    """Standbys that were given up have received whatever was acknowledged without them, or their physical slots are
    gone."""

    slots: list[str]


class _Candidate(NamedTuple):
    """What is acknowledged next."""

    scanned: int
    committed_lsn: int
    """The append is before it."""
    since: float


class Acknowledger:
    """Acknowledges appends in order, each once every standby has it.

    It reads how far the standbys are from time to time, however many appends there are, and not at all while
    everything is acknowledged. `acknowledge` tells the server; `read` must cover whatever was appended before.
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
        """Everything before `scanned` is in the log; the append has committed."""
        self._appended = max(scanned, self._appended)

    def seconds_left(self) -> float | None:
        """Until `settle` is due; None while everything is acknowledged."""
        return self._read_at - self._clock() if self._appended > self._acknowledged else None

    def is_due(self) -> bool:
        left = self.seconds_left()
        return left is not None and left <= 0

    async def settle(self) -> bool:
        """Acknowledge what every standby has; says whether that was anything."""
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
        """The physical slots of those that were reported and have not caught up since."""
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
