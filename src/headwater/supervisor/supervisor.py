"""The supervisor: one process that starts everything in order, keeps it running, and stops it in reverse order.

Start: the state folder, the listening socket, engines, the backend's preparation, then all children at once. Stop:
web workers first, so that no new command arrives; then consumers; then the relay, when everything is committed; then
the engines. A failed start stops in the same order what it has started.
"""

import asyncio
import contextlib
import os
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, ClassVar

import msgspec

from headwater.clock import Clock, SystemClock
from headwater.engines import Engines, Finding, examine_postgres, open_engines, render
from headwater.errors import HeadwaterError
from headwater.observe import Level, Occurrence, report
from headwater.settings import Settings
from headwater.supervisor.assignment import Assignment
from headwater.supervisor.child import Child
from headwater.supervisor.collector import LogCollector
from headwater.supervisor.environment import environment_of
from headwater.supervisor.errors import EngineUnfit
from headwater.supervisor.home import Home
from headwater.supervisor.keeper import Keeper, Supervised
from headwater.supervisor.lagmonitor import LagMonitor
from headwater.supervisor.listen import open_listener, url_of
from headwater.supervisor.scraping import Scraping
from headwater.supervisor.state import BackendState, ConsumerState
from headwater.supervisor.stop import Stop
from headwater.supervisor.together import together
from headwater.supervisor.walbudget import WalBudget

MEASURE_SECONDS = 1.0
MEASURE_SHARE = 20
"""A measurement that takes long, because a consumer is far behind, is repeated less often."""
GRACE_SECONDS = 5.0
"""The time that a child has to stop, beyond the drain time that the settings give requests in flight."""

_NO_BYTECODE = {"PYTHONDONTWRITEBYTECODE": "1"}
"""Python detects stale bytecode by the second of the change, and two quick edits may share one."""

Prepare = Callable[[Settings], Awaitable[None]]
Tell = Callable[[BackendState], None]


class BackendReady(Occurrence, frozen=True, kw_only=True):
    """Everything runs, `seconds` after the supervisor started."""

    url: str
    seconds: float


class EngineLacks(Occurrence, frozen=True, kw_only=True):
    """The external PostgreSQL works, but lacks something that is required. Run `headwater doctor` for the fix."""

    level: ClassVar[Level] = "warning"
    subject: str
    found: str
    wanted: str


class BackendStopping(Occurrence, frozen=True, kw_only=True):
    """The backend was asked to stop; `hurried` if this is the second request."""

    hurried: bool


class ProcessPlan(msgspec.Struct, frozen=True):
    """What to run: children in the order of their stop, and what must be done once the engines run."""

    backend: str
    stages: Sequence[Sequence[Assignment]]
    prepare: Prepare | None = None


class Supervisor:
    """Runs `plan` from `run` until `stop` is asked; calls `tell` with the state at each change and every second."""

    def __init__(
        self,
        plan: ProcessPlan,
        settings: Settings,
        collector: LogCollector,
        *,
        tell: Tell = lambda state: None,
        clock: Clock | None = None,
    ) -> None:
        self._plan = plan
        self._settings = settings
        self._collector = collector
        self._tell = tell
        self._clock = clock or SystemClock()
        self._home = Home(settings.home)
        self._started_at = self._clock.now()
        self._listener: socket.socket | None = None
        self._engines: list[Keeper] = []
        self._children: list[list[Keeper]] = []
        self._monitor: LagMonitor | None = None
        self._scraping = Scraping(settings)
        self._budget = WalBudget(settings.wal_budget_mb << 20)
        self.ready = asyncio.Event()
        """Set once everything runs."""
        self._url = ""

    async def run(self, stop: Stop) -> None:
        """Return once everything has stopped. Raises why the start failed, after stopping what had started."""
        hurrying = asyncio.create_task(self._hurry_when_asked(stop), name="hurry")
        try:
            if await self._start_unless(stop):
                await self._keep_until(stop)
        finally:
            await self._end()
            hurrying.cancel()

    async def restart_children(self) -> None:
        """Restart all children, as after a change of their code."""
        for stage in self._children:
            await together(*(keeper.restart() for keeper in stage))

    async def _start_unless(self, stop: Stop) -> bool:
        """Start everything; returns False, with the start cancelled, if `stop` is asked meanwhile."""
        starting = asyncio.create_task(self._start(), name="start")
        asked = asyncio.create_task(stop.asked.wait())
        try:
            await asyncio.wait({starting, asked}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            asked.cancel()
            starting.cancel()
            # Awaiting it directly could not tell its cancellation from our own, and would swallow that.
            await asyncio.gather(starting, return_exceptions=True)
        if starting.cancelled():
            return False
        starting.result()
        return True

    async def _start(self) -> None:
        held = await self._home.take()
        self._listener = open_listener(self._settings.host, self._settings.port)
        self._url = url_of(self._listener)
        self._scraping.start()
        engines = open_engines(self._settings)
        self._engines = [self._keep(engine) for engine in engines]
        await together(*(keeper.start() for keeper in self._engines))
        try:
            await self._start_on(engines, self._listener, held)
        except HeadwaterError as error:
            if lacking := await self._examine(engines):
                raise EngineUnfit(reason=error, findings="\n".join(render(lacking))) from error
            raise
        self._monitor = LagMonitor(engines.postgres.url, self._settings.slot)
        report(BackendReady(url=self._url, seconds=round((self._clock.now() - self._started_at).total_seconds(), 2)))
        self.ready.set()
        self._changed()
        for finding in await self._examine(engines):
            report(EngineLacks(subject=finding.subject, found=finding.found, wanted=finding.wanted))

    async def _examine(self, engines: Engines) -> list[Finding]:
        """What an external PostgreSQL lacks: the likely cause if the start fails; otherwise it is reported."""
        if engines.postgres.embedded:
            return []
        findings = await examine_postgres(engines.postgres.url, self._settings)
        return [finding for finding in findings if finding.required and not finding.ok]

    async def _start_on(self, engines: Engines, listener: socket.socket, held: int) -> None:
        settings = self._settings_for_children(engines, listener)
        if self._plan.prepare is not None:
            await self._plan.prepare(settings)
        self._children = [[self._keep_child(each, settings, held) for each in stage] for stage in self._plan.stages]
        await together(*(keeper.start() for stage in self._children for keeper in stage))

    async def _keep_until(self, stop: Stop) -> None:
        """Measure the lag every second until asked to stop. A keeper that fails ends everything."""
        looking = asyncio.create_task(self._measure_repeatedly(), name="measure lag")
        asked = asyncio.create_task(stop.asked.wait())
        ends: list[asyncio.Future[Any]] = [looking, asked, *(keeper.broken for keeper in self._keepers())]
        try:
            done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            looking.cancel()
            asked.cancel()

    async def _measure_repeatedly(self) -> None:
        assert self._monitor is not None
        while True:
            seconds = await self._monitor.measure()
            self._note(self._monitor)
            self._changed()
            await asyncio.sleep(max(MEASURE_SECONDS, MEASURE_SHARE * seconds))

    def _note(self, monitor: LagMonitor) -> None:
        seen = monitor.last if monitor.trouble is None else None
        self._scraping.show_measurement(seen)
        if seen is not None and seen.backlog is not None:
            self._budget.watch(seen.backlog)

    async def _end(self) -> None:
        self.ready.clear()
        try:
            if self._listener is not None:
                self._listener.close()  # web workers have their own descriptors; the last one to end frees the port
            if self._monitor is not None:
                await self._monitor.close()
            for stage in (*self._children, self._engines):
                await _stop_all(stage)
        finally:
            self._scraping.close()
            self._home.leave()

    async def _hurry_when_asked(self, stop: Stop) -> None:
        await stop.asked.wait()
        report(BackendStopping(hurried=False))
        await stop.hurried.wait()
        report(BackendStopping(hurried=True))
        keepers = [keeper for stage in self._children for keeper in stage]
        await asyncio.gather(*(keeper.let_go() for keeper in keepers))
        await asyncio.gather(*(keeper.supervised.kill() for keeper in keepers if isinstance(keeper.supervised, Child)))

    def _keep(self, supervised: Supervised) -> Keeper:
        return Keeper(supervised, clock=self._clock, changed=self._changed)

    def _keep_child(self, assignment: Assignment, settings: Settings, held: int) -> Keeper:
        requests = settings.drain_seconds + settings.balancer_seconds if assignment.serves else 0.0
        child = Child(
            assignment,
            environ=environment_of(settings) | (_NO_BYTECODE if assignment.role == "dev" else {}),
            channel=self._collector.channel(assignment.name),
            listener=self._listener,
            held=held,
            grace_seconds=GRACE_SECONDS + requests,
        )
        return self._keep(child)

    def _settings_for_children(self, engines: Engines, listener: socket.socket) -> Settings:
        return msgspec.structs.replace(
            self._settings,
            postgres_url=engines.postgres.url,
            valkey_url=engines.valkey.url,
            port=listener.getsockname()[1],
        )

    def _keepers(self) -> list[Keeper]:
        return [*self._engines, *(keeper for stage in self._children for keeper in stage)]

    def _changed(self) -> None:
        state = self._state()
        with contextlib.suppress(
            OSError
        ):  # with a full disk the backend goes on; its status is old, and `updated_at` says so
            self._home.state.write(state)
        self._scraping.show_processes(state.processes)
        self._tell(state)

    def _state(self) -> BackendState:
        return BackendState(
            backend=self._plan.backend,
            supervisor=os.getpid(),
            url=self._url,
            metrics_url=self._scraping.url,
            ready=self.ready.is_set(),
            started_at=self._started_at,
            updated_at=self._clock.now(),
            processes=tuple(keeper.state for keeper in self._keepers()),
            consumers=_consumers(self._monitor),
            trouble=self._monitor.trouble if self._monitor else None,
        )


def _consumers(monitor: LagMonitor | None) -> tuple[ConsumerState, ...]:
    """As of the last measurement."""
    if monitor is None or monitor.last is None:
        return ()
    return tuple(
        ConsumerState(
            consumer=each.consumer,
            entries=each.entries,
            seconds=each.seconds,
            in_retry=each.in_retry,
            parked=each.parked,
        )
        for each in monitor.last.consumers
    )


async def _stop_all(keepers: Sequence[Keeper]) -> None:
    """Stop all at once; raises the first failure after every one was asked to stop."""
    outcomes = await asyncio.gather(*(keeper.stop() for keeper in keepers), return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
