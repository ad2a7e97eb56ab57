"""Group commit: the events of many requests in one transaction, because a commit of one costs as much as one of many.

While a group is being committed, the next one collects events, so the busier the process, the larger the groups. An
event that a caller waits for is not delayed further. Events that nobody waits for are collected for some milliseconds,
so that they form a group even if commits are fast. Events are committed in the order of their arrival.

Each group is one transaction. If the connection breaks before its COMMIT, nothing was committed and it is retried. If
the connection breaks during COMMIT, the outcome is unknown and it is not retried: an event is never in the log twice.
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
"""Payloads that may wait for a commit; further ones are refused, so that memory is bounded."""
GROUP: Final = 1_000
GROUP_BYTES: Final = 16 * 1024 * 1024
GATHER_SECONDS: Final = 0.01
"""How long events that nobody waits for are collected."""
CLOSE_SECONDS: Final = 10.0

_AGAIN: Final = Backoff(first=0.1, most=5.0)
_RETRY_SECONDS: Final = 1.0
_ENDED: Final = "the process ends"

_ORIGIN: Final = Origin(app="headwater", command="group commit")

_Waiter = asyncio.Future[None]
_Entry = tuple[bytes, _Waiter | None]


class EventsLost(Occurrence, frozen=True, kw_only=True):
    """Events that nobody waited for were not committed, or it is unknown whether they were; `reason` says why."""

    level: ClassVar[Level] = "error"
    events: int
    reason: str


class GroupCommit:
    """The group commit of one process; counts in `metrics`."""

    def __init__(self, committer: Committer, metrics: Metrics | None = None) -> None:
        metrics = metrics or Metrics()
        self._committer = committer
        self._emitted = metrics.counter("headwater_emitted_total", "Events of queries that were committed.")
        self._gone = metrics.counter(
            "headwater_emitted_lost_total", "Events of queries that nobody waited for and that were lost."
        )
        self._waiting: deque[_Entry] = deque()
        self._working: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()
        self._hurry = asyncio.Event()  # somebody waits, a group is full, or this is the end
        self._groups = self._committed = self._lost = 0

    async def commit(self, payload: bytes) -> None:
        """Return once the payload is committed.

        Raises `Unavailable` or another `DbError` if it was not committed, and `OutcomeUnknown` if the connection broke
        during the commit. Cancelling the caller does not withdraw the payload; it is still committed.
        """
        waiter: _Waiter = asyncio.get_running_loop().create_future()
        self._hand_in(payload, waiter)
        await waiter

    def commit_nowait(self, payload: bytes) -> None:
        """Return at once; the payload is committed soon, also after an outage of the database, and at `close` at the
        latest.

        A payload that is not committed yet is lost if the process is killed, or ends while the database is unreachable.
        Raises `Unavailable` if too many payloads are waiting.
        """
        self._hand_in(payload, None)

    async def flush(self) -> None:
        """Return once nothing waits: every payload so far is committed, or reported as lost."""
        if self._working is not None:
            self._hurry.set()
            await asyncio.wait([self._working])

    async def close(self, seconds: float = CLOSE_SECONDS) -> None:
        """Commit the waiting payloads within that time; those left then are reported as lost."""
        self._closing.set()
        self._hurry.set()
        if self._working is not None:
            await asyncio.wait([self._working], timeout=seconds)
            self._working.cancel()
        left, self._waiting = list(self._waiting), deque()
        self._refuse(left, Unavailable(reason=_ENDED, retry_after=_RETRY_SECONDS))

    def statistics(self) -> dict[str, Any]:
        """The payloads that wait now; and since the start the groups, the committed and the lost payloads."""
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
            except Exception as error:  # an error of this group; the next one may succeed
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
        """Callers that wait get the error; the other payloads are retried, in their order."""
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
        """Nobody waits for these, so they are reported."""
        if group:
            self._lost += len(group)
            self._gone.add(len(group))
            report(EventsLost(events=len(group), reason=reason))


async def _wait(event: asyncio.Event, seconds: float) -> None:
    """Wait until the event is set, for that long at most."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
