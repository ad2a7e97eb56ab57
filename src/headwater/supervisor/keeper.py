"""A keeper keeps one process running: it starts it, waits for its end, and restarts it after a backoff."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Protocol

import msgspec

from headwater.clock import Clock, SystemClock
from headwater.errors import HeadwaterError
from headwater.observe import Level, Occurrence, report
from headwater.supervisor.exitstatus import describe_end
from headwater.supervisor.restartbackoff import RestartBackoff


class Supervised(Protocol):
    """What a keeper can run: a child, or an engine."""

    name: str

    async def start(self) -> None: ...

    async def wait(self) -> int: ...

    async def stop(self) -> None: ...

    def statistics(self) -> dict[str, Any]:
        """Includes ``pid`` while it has one."""
        ...


class Phase(StrEnum):
    """The phase of a supervised process."""

    STARTING = "starting"
    RUNNING = "running"
    BACKING_OFF = "backing off"
    STOPPING = "stopping"
    STOPPED = "stopped"


class ProcessState(msgspec.Struct, frozen=True):
    """The state of one process."""

    name: str
    phase: Phase
    pid: int | None
    since: datetime
    """The time at which it entered this phase."""
    restarts: int
    cause: str | None
    """Why it ended the last time, if it did."""


class ProcessDied(Occurrence, frozen=True, kw_only=True):
    """A process ended unexpectedly; it is restarted after `delay_seconds`."""

    level: ClassVar[Level] = "error"
    name: str
    cause: str
    delay_seconds: float


class ProcessRestarted(Occurrence, frozen=True, kw_only=True):
    """A process that had ended unexpectedly runs again."""

    level: ClassVar[Level] = "warning"
    name: str
    restarts: int


class Keeper:
    """Keeps `supervised` running from `start` to `stop`; `changed` is called at each change of its state."""

    def __init__(
        self,
        supervised: Supervised,
        *,
        backoff: RestartBackoff | None = None,
        clock: Clock | None = None,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self.supervised = supervised
        self.restarts = 0
        self.broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Fails if the keeper itself fails, which is a bug; never succeeds."""
        self._backoff = backoff or RestartBackoff()
        self._clock = clock or SystemClock()
        self._changed = changed
        self._cause: str | None = None
        self._watching: asyncio.Task[None] | None = None
        self._enter(Phase.STOPPED)

    @property
    def state(self) -> ProcessState:
        pid = self.supervised.statistics().get("pid")
        return ProcessState(self.supervised.name, self._phase, pid, self._since, self.restarts, self._cause)

    async def start(self) -> None:
        """Start it for the first time. A failure is raised, not retried."""
        self._enter(Phase.STARTING)
        await self.supervised.start()
        self._enter(Phase.RUNNING)
        self._watching = asyncio.create_task(self._watch(), name=f"keep {self.supervised.name}")

    async def restart(self) -> None:
        """Stop it and start it again on request, which is not counted as a restart. A failure is raised."""
        await self.stop()
        await self.start()

    async def let_go(self) -> None:
        """No longer restart it."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.wait({self._watching})

    async def stop(self) -> None:
        """Stop it for good."""
        await self.let_go()
        self._enter(Phase.STOPPING)
        await self.supervised.stop()
        self._enter(Phase.STOPPED)

    async def _watch(self) -> None:
        try:
            while True:
                began = self._clock.monotonic()
                status = await self.supervised.wait()
                await self._start_again(describe_end(status), self._clock.monotonic() - began)
        except Exception as error:
            self.broken.set_exception(error)

    async def _start_again(self, cause: str, ran_seconds: float) -> None:
        self.restarts += 1
        while True:
            delay = self._backoff.delay_after(ran_seconds)
            self._cause = cause
            first_line = cause.partition("\n")[0]  # the lines below are in the log of the process already
            report(ProcessDied(name=self.supervised.name, cause=first_line, delay_seconds=round(delay, 2)))
            self._enter(Phase.BACKING_OFF)
            await self._clock.sleep(delay)
            self._enter(Phase.STARTING)
            try:
                await self.supervised.start()
            except (HeadwaterError, OSError) as error:
                cause, ran_seconds = str(error), 0.0
                continue
            self._enter(Phase.RUNNING)
            report(ProcessRestarted(name=self.supervised.name, restarts=self.restarts))
            return

    def _enter(self, phase: Phase) -> None:
        self._phase = phase
        self._since = self._clock.now()
        self._changed()
