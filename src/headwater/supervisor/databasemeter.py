"""The meter of the database: the measured state of log, replication slot and consumers.

These metrics are exposed while PostgreSQL responds, and ``headwater_database_up`` says whether it does. A scrape does
not query: it shows the last measurement, which is a second old, or older where one takes long.
"""

import time
from collections.abc import Callable
from typing import Final, NamedTuple

from headwater.consumer import Lag
from headwater.observe import Gauge, Metrics
from headwater.observe.instrument import show
from headwater.supervisor.lagmonitor import Measurement
from headwater.supervisor.walhistory import WalHistory
from headwater.wal.backlog import Backlog

STATUSES: Final = ("reserved", "extended", "unreserved", "lost", "missing")


class OfBacklog(NamedTuple):
    """A value of the log and its slot; None if unknown."""

    name: str
    help: str
    read: Callable[[Backlog], float | None]


class OfConsumer(NamedTuple):
    """A value of each consumer."""

    name: str
    help: str
    read: Callable[[Lag], float]


BACKLOG: Final = (
    OfBacklog("headwater_relay_lag_bytes", "WAL that the relay has not processed yet.", lambda it: it.behind_bytes),
    OfBacklog("headwater_wal_position_bytes", "LSN up to which there is WAL.", lambda it: it.written),
    OfBacklog("headwater_wal_held_bytes", "WAL that PostgreSQL retains for the relay.", lambda it: it.held_bytes),
    OfBacklog(
        "headwater_wal_budget_left_bytes",
        "WAL that can still be written before PostgreSQL invalidates the slot; absent without a limit.",
        lambda it: it.left_bytes,
    ),
    OfBacklog("headwater_slot_active", "1 while a relay reads from the replication slot.", lambda it: it.active),
    OfBacklog("headwater_log_size_bytes", "Size of the log.", lambda it: it.log_bytes),
    OfBacklog("headwater_log_segments", "Segments of the log.", lambda it: it.segments),
    OfBacklog("headwater_log_partitions", "Partitions of the log.", lambda it: it.partitions),
    OfBacklog(
        "headwater_log_epoch",
        "Epoch of the log, which increases after a restore, a failover or a gap.",
        lambda it: it.position.epoch,
    ),
    OfBacklog(
        "headwater_database_oldest_transaction_seconds",
        "Age of the oldest transaction that the backend's role can see, prepared ones included: it pins WAL.",
        lambda it: it.oldest_transaction_seconds,
    ),
)
CONSUMERS: Final = (
    OfConsumer(
        "headwater_consumer_lag_entries", "Entries of the log that a consumer has not applied.", lambda it: it.entries
    ),
    OfConsumer(
        "headwater_consumer_lag_seconds", "Seconds since the oldest of these was appended.", lambda it: it.seconds
    ),
    OfConsumer(
        "headwater_consumer_still_seconds",
        "Seconds for which a partition has had such entries and its watermark has not moved.",
        lambda it: it.still_seconds,
    ),
    OfConsumer("headwater_consumer_keys_in_retry", "Keys that failed and will be retried.", lambda it: it.in_retry),
    OfConsumer("headwater_consumer_keys_parked", "Parked keys, which wait for an operator.", lambda it: it.parked),
)


class DatabaseMeter:
    """Shows measurements on `metrics`; `wal_budget_bytes` is the setting."""

    def __init__(
        self, metrics: Metrics, wal_budget_bytes: int, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._monotonic = monotonic
        self._history = WalHistory()
        self._up = metrics.gauge("headwater_database_up", "1 while PostgreSQL responds to the supervisor.")
        self._took = metrics.gauge(
            "headwater_database_look_duration_seconds", "Seconds that the last measurement in PostgreSQL took."
        )
        self._lag_seconds = metrics.gauge(
            "headwater_relay_lag_seconds", "Seconds for which there has been WAL that the relay has not processed."
        )
        self._backlog = [(metrics.gauge(each.name, each.help), each.read) for each in BACKLOG]
        self._status = metrics.gauge(
            "headwater_slot_status", "1 for the state that the replication slot is in.", ("status",)
        )
        metrics.gauge("headwater_wal_budget_bytes", "WAL that PostgreSQL may retain for the relay.").set(
            wal_budget_bytes
        )
        self._consumers = [(metrics.gauge(each.name, each.help, ("consumer",)), each.read) for each in CONSUMERS]
        self.show(None)

    def show(self, measurement: Measurement | None) -> None:
        """Show a measurement; None when PostgreSQL did not respond."""
        self._up.set(float(measurement is not None))
        _set(self._took, None if measurement is None else measurement.seconds)
        self._show_backlog(None if measurement is None else measurement.backlog)
        lags = () if measurement is None else measurement.consumers
        for family, read in self._consumers:
            show(family, {(each.consumer,): read(each) for each in lags})

    def _show_backlog(self, backlog: Backlog | None) -> None:
        for gauge, read in self._backlog:
            _set(gauge, None if backlog is None else read(backlog))
        _set(self._lag_seconds, None if backlog is None else self._seconds_behind(backlog))
        statuses = () if backlog is None else STATUSES
        show(self._status, {(each,): float(backlog is not None and backlog.wal_status == each) for each in statuses})

    def _seconds_behind(self, backlog: Backlog) -> float:
        return self._history.seconds_behind(backlog.scanned, backlog.written, self._monotonic())


def _set(gauge: Gauge, value: float | None) -> None:
    """Show a value, or nothing if it is unknown."""
    if value is None:
        gauge.clear()
    else:
        gauge.set(value)
