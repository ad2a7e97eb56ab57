"""`headwater up`: the whole backend, in several processes, from one terminal."""

import sys

from headwater.backend import Backend
from headwater.observe.lines import write_lines
from headwater.observe.linewriter import LineWriter
from headwater.settings import Settings
from headwater.supervisor.assignment import Assignment
from headwater.supervisor.collector import LogCollector, LogLine, Show
from headwater.supervisor.locate import load_backend
from headwater.supervisor.prepare import Prepared, prepare
from headwater.supervisor.screen import screen_of
from headwater.supervisor.state import BackendState
from headwater.supervisor.stop import Stop, on_signals
from headwater.supervisor.supervisor import ProcessPlan, Supervisor
from headwater.supervisor.terminal import Terminal
from headwater.upkeep import Process

NAME = "supervisor"


async def up(reference: str, settings: Settings, *, stream: bool = False) -> None:
    """Run the backend `reference` until a signal says stop.

    Its processes write to ``<home>/log``, or, with `stream`, JSON lines to standard output and nothing else there.
    Raises a `HeadwaterError` if it cannot be started; everything that was started is stopped then.
    """
    backend = load_backend(reference)
    backend.check()
    backend.check_settings()
    terminal = None if stream else Terminal()
    start = _Start(backend, settings, terminal)
    collector = open_collector(settings, start.show_line if terminal is not None else None)
    end_lines = write_lines(NAME, settings.log_level, collector.channel(NAME).write)
    stop = Stop()
    try:
        with on_signals(stop):
            supervisor = Supervisor(start.plan(reference), settings, collector, tell=start.tell)
            await supervisor.run(stop)
    finally:
        if terminal is not None:
            terminal.close()
        end_lines()
        collector.close()


def open_collector(settings: Settings, show: Show | None, *, shown_level: str = "warning") -> LogCollector:
    """Collects to files and, from `shown_level` upwards, to `show`; without `show`, everything to standard output."""
    if show is None:
        return LogCollector(None, stream=LineWriter(sys.stdout.fileno(), NAME).write)
    return LogCollector(settings.home / "log", show=show, shown_level=shown_level)


def _processes(backend: Backend, reference: str) -> list[Assignment]:
    """The processes that the parts of the backend declare."""
    return [
        Assignment(role="part", process=each.name, number=n, of=each.count, backend=reference)
        for each in backend.declared.of(Process)
        for n in range(1, each.count + 1)
    ]


class _Start:
    """Prepares the backend, remembers what that did, and shows it with the first state that is ready."""

    def __init__(self, backend: Backend, settings: Settings, terminal: Terminal | None) -> None:
        self._backend = backend
        self._settings = settings
        self._terminal = terminal
        self._prepared: Prepared | None = None
        self._shown = False

    def plan(self, reference: str) -> ProcessPlan:
        """Children in the order of their stop."""
        web, consumers = self._settings.web, self._settings.consumers
        return ProcessPlan(
            backend=reference,
            stages=[
                [Assignment(role="web", number=n, of=web, backend=reference) for n in range(1, web + 1)],
                [
                    Assignment(role="consumer", number=n, of=consumers, backend=reference)
                    for n in range(1, consumers + 1)
                ],
                _processes(self._backend, reference),
                [Assignment(role="relay", backend=reference)],
            ],
            prepare=self._prepare,
        )

    def tell(self, state: BackendState) -> None:
        if self._terminal is None:
            return
        if state.ready and not self._shown:
            self._shown = True
            self._terminal.show_screen(screen_of(self._backend, self._settings, state, self._prepared))
        self._terminal.show_state(state)

    def show_line(self, line: LogLine) -> None:
        """Show a line once everything runs. Before, a failure ends the start, and the raised error describes it."""
        if self._terminal is not None and self._shown:
            self._terminal.show_line(line)

    async def _prepare(self, settings: Settings) -> None:
        self._prepared = await prepare(self._backend, settings)
