"""The meter of a backend: what its supervisor knows about all processes, as metrics."""

from collections.abc import Callable, Iterable
from importlib.metadata import version

from headwater.observe import Metrics, listen
from headwater.observe.instrument import show
from headwater.supervisor.databasemeter import DatabaseMeter
from headwater.supervisor.keeper import Phase, ProcessDied, ProcessState


class BackendMeter:
    """Shows on `metrics` what the supervisor measures; `wal_budget_bytes` is the setting."""

    def __init__(self, metrics: Metrics, wal_budget_bytes: int) -> None:
        build = metrics.gauge("headwater_build_info", "Always 1, for the version of Headwater.", ("version",))
        build.of(version("headwater")).set(1)
        self._process_up = metrics.gauge("headwater_process_up", "1 while a process runs.", ("process",))
        self._restarts = metrics.counter(
            "headwater_process_restarts_total",
            "How often a process ended unexpectedly or could not start.",
            ("process",),
        )
        self.database = DatabaseMeter(metrics, wal_budget_bytes)

    def listen(self) -> Callable[[], None]:
        """Count unexpected ends from now on; returns a function that ends it."""
        return listen({ProcessDied: self._died})

    def show_processes(self, states: Iterable[ProcessState]) -> None:
        """Show which processes exist, and which of them run."""
        running = {each.name: each.phase is Phase.RUNNING for each in states}
        show(self._process_up, {(name,): float(runs) for name, runs in running.items()})
        for name in running:
            self._restarts.of(name)

    def _died(self, died: ProcessDied) -> None:
        self._restarts.of(died.name).add()
