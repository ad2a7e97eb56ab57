"""Scraping: the metrics of the whole backend, served by its supervisor."""

import contextlib
from collections.abc import Iterable

from headwater.observe.folder import join_metrics
from headwater.observe.server import PATH, MetricsServer, open_port
from headwater.settings import Settings
from headwater.supervisor.keeper import ProcessState
from headwater.supervisor.lagmonitor import Measurement
from headwater.supervisor.listen import metrics_port, url_of
from headwater.supervisor.meter import BackendMeter


class Scraping:
    """Shows what the supervisor measures, from `start` to `close`; before and after, calls have no effect."""

    def __init__(self, settings: Settings) -> None:
        self.url: str | None = None
        """The URL of the metrics; None if they are not served."""
        self._settings = settings
        self._closing = contextlib.ExitStack()
        self._meter: BackendMeter | None = None

    def start(self) -> None:
        """Raises `PortUnusable`."""
        settings, port = self._settings, metrics_port(self._settings)
        if port is None:
            return
        listener = self._closing.enter_context(open_port(settings.metrics_host, port))
        metrics = join_metrics("supervisor", settings.home)
        self._closing.callback(metrics.close)
        self._meter = BackendMeter(metrics, settings.wal_budget_mb << 20)
        self._closing.callback(self._meter.listen())
        server = MetricsServer(listener, metrics.expose)
        server.start()
        self._closing.callback(server.close)
        self.url = url_of(listener) + PATH

    def show_processes(self, states: Iterable[ProcessState]) -> None:
        """Show which processes exist, and which of them run."""
        if self._meter is not None:
            self._meter.show_processes(states)

    def show_measurement(self, measurement: Measurement | None) -> None:
        """Show a measurement of the database; None when it did not respond."""
        if self._meter is not None:
            self._meter.database.show(measurement)

    def close(self) -> None:
        """Stop serving."""
        self._meter = None
        self._closing.close()
