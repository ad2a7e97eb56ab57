"""Group commit: events of many requests in one transaction, because one flush of the disk is as dear as a thousand's.

While one group is being committed the next one gathers, so the busier the process is the larger the groups become. An
event that somebody waits for is delayed by nothing else; those that nobody waits for gather for some milliseconds,
which makes a group of them even where commits are fast. What is handed in is committed in that order.

Each group is one transaction. If the connection breaks before its COMMIT, nothing has happened, and it is tried again;
if during it, whether it was committed is unknown, and it is not: an event is never in the log twice.
"""

import asyncio
from collections import deque
from contextlib import suppress
from typing import Any, ClassVar, Final

from headwater.backoff import Backoff
from headwater.commit.committer import Committer
from headwater.commit.errors import OutcomeUnknown
from headwater.commit.origin import Origin
from headwater.db import Unavailable
from headwater.observe import Level, Metrics, Occurrence, report

WAITING: Final = 20_000
"""Payloads that may wait for a commit; what comes then is refused, so that memory is bounded."""
GROUP: Final = 1_000
GROUP_BYTES: Final = 16 * 1024 * 1024
GATHER_SECONDS: Final = 0.01
"""How long events gather that nobody waits for."""
CLOSE_SECONDS: Final = 10.0

_AGAIN: Final = Backoff(first=0.1, most=5.0)
_RETRY_SECONDS: Final = 1.0
_ENDED: Final = "the process ends"

_ORIGIN: Final = Origin(app="headwater", command="group commit")

_Waiter = asyncio.Future[None]
_Entry = tuple[bytes, _Waiter | None]


class EventsLost(Occurrence, frozen=True, kw_only=True):
    """Events that nobody waited for were not committed, or may not have been; `reason` says why."""

    level: ClassVar[Level] = "error"
    events: int
    reason: str


class GroupCommit:
    """The group commit of one process; it counts in `metrics`."""

    def __init__(self, committer: Committer, metrics: Metrics | None = None) -> None:
        metrics = metrics or Metrics()
        self._committer = committer
        self._emitted = metrics.counter("headwater_emitted_total", "Events of queries that were committed.")
        self._gone = metrics.counter(
            "headwater_emitted_lost_total", "Events of queries that nobody waited for and were lost."
        )
        self._waiting: deque[_Entry] = deque()
        self._working: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()
        self._hurry = asyncio.Event()  # somebody waits, a group is full, or this is the end
        self._groups = self._committed = self._lost = 0

    async def commit(self, payload: bytes) -> None:
        """Return once the payload is committed.

        Raises `Unavailable` or another `DbError` if it was not, and `OutcomeUnknown` if the connection broke meanwhile.
        Whoever is cancelled here leaves the payload behind: it will be committed.
        """
        waiter: _Waiter = asyncio.get_running_loop().create_future()
        self._hand_in(payload, waiter)
        await waiter

    def commit_nowait(self, payload: bytes) -> None:
        """The payload is committed soon, also after an outage of the database, and by `close` at the latest.

        What is handed in and not committed yet is lost if the process is killed, and if it ends while the database is
        away. Raises `Unavailable` when too many wait.
        """
        self._hand_in(payload, None)

    async def flush(self) -> None:
        """Return once nothing waits: what was handed in until now is committed, or reported as lost."""
        if self._working is not None:
            self._hurry.set()
            await asyncio.wait([self._working])

    async def close(self, seconds: float = CLOSE_SECONDS) -> None:
        """Commit what is waiting, within that time; what is left then is reported as lost."""
        self._closing.set()
        self._hurry.set()
        if self._working is not None:
            await asyncio.wait([self._working], timeout=seconds)
            self._working.cancel()
        left, self._waiting = list(self._waiting), deque()
        self._refuse(left, Unavailable(reason=_ENDED, retry_after=_RETRY_SECONDS))

    def statistics(self) -> dict[str, Any]:
        """Payloads that wait at this moment, and since the start groups, payloads committed and payloads lost."""
        return {
            "waiting": len(self._waiting),
            "groups": self._groups,
            "committed": self._committed,
            "lost": self._lost,
        }

    def _hand_in(self, payload: bytes, waiter: _Waiter | None) -> None:
        if len(self._waiting) >= WAITING:
            raise Unavailable(reason="too many events wait to be committed", retry_after=_RETRY_SECONDS)
        self._waiting.append((payload, waiter))
        if waiter is not None or len(self._waiting) >= GROUP:
            self._hurry.set()
        if self._working is None or self._working.done():
            self._working = asyncio.create_task(self._work(), name="group commit")

    async def _work(self) -> None:
        failures = 0
        while self._waiting:
            await _wait(self._hurry, GATHER_SECONDS)
            group = self._next_group()
            try:
                async with self._committer.transaction(_ORIGIN) as tx:
                    tx.carry(payload for payload, _ in group)
            except Unavailable as error:
                failures += 1
                self._put_back(group, error)
                await _wait(self._closing, _AGAIN.delay(failures))
            except Exception as error:  # a fault of the group, which the next one may not have
                self._refuse(group, error)
            except asyncio.CancelledError:
                self._refuse(group, OutcomeUnknown(reason=_ENDED, retry_after=_RETRY_SECONDS))
                raise
            else:
                failures = 0
                self._settle(group)

    def _next_group(self) -> list[_Entry]:
        group, room = [self._waiting.popleft()], GROUP_BYTES
        room -= len(group[0][0])
        while self._waiting and len(group) < GROUP and (room := room - len(self._waiting[0][0])) >= 0:
            group.append(self._waiting.popleft())
        if (
            not self._closing.is_set()
            and len(self._waiting) < GROUP
            and all(waiter is None for _, waiter in self._waiting)
        ):
            self._hurry.clear()
        return group

    def _settle(self, group: list[_Entry]) -> None:
        self._groups += 1
        self._committed += len(group)
        self._emitted.add(len(group))
        for _, waiter in group:
            if waiter is not None and not waiter.done():
                waiter.set_result(None)

    def _put_back(self, group: list[_Entry], error: Unavailable) -> None:
        """Who waits is told at once; the others do not mind, and keep their order."""
        patient = [entry for entry in group if entry[1] is None]
        self._fail(group, error)
        if self._closing.is_set():
            self._give_up(patient, str(error))
        else:
            self._waiting.extendleft(reversed(patient))

    def _refuse(self, group: list[_Entry], error: Exception) -> None:
        self._fail(group, error)
        self._give_up([entry for entry in group if entry[1] is None], str(error))

    def _fail(self, group: list[_Entry], error: Exception) -> None:
        for _, waiter in group:
            if waiter is not None and not waiter.done():
                waiter.set_exception(error)

    def _give_up(self, group: list[_Entry], reason: str) -> None:
        """Nobody waits for these; so it is said aloud."""
        if group:
            self._lost += len(group)
            self._gone.add(len(group))
            report(EventsLost(events=len(group), reason=reason))


async def _wait(event: asyncio.Event, seconds: float) -> None:
    """Until it is set, and for that long at most."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
