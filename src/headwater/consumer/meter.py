"""The meter of consumers: their occurrences, counted. Each is of a transaction or rarer, so no event costs anything."""

from collections import Counter as Count
from collections.abc import Callable, Iterable
from typing import Final

from headwater.consumer.occurrences import (
    BatchInterrupted,
    EventApplied,
    EventFailed,
    EventsApplied,
    HandlerAbandoned,
    KeyParked,
    KeyRecovered,
    WorkerInterrupted,
)
from headwater.observe import Counter, Family, Metrics, listen
from headwater.observe.instrument import show

EVENTS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500)
SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

_CONSUMER: Final = ("consumer",)


class ConsumerMeter:
    """Counts on `metrics` what the consumers of this process report; those in `names` from 0 on."""

    def __init__(self, metrics: Metrics, names: Iterable[str] = ()) -> None:
        def counter(name: str, help: str) -> Family[Counter]:
            return metrics.counter(f"headwater_consumer_{name}_total", help, _CONSUMER)

        self._applied = counter("applied", "Events applied.")
        self._failures = counter("failures", "Attempts to apply an event that failed.")
        self._parked = counter("parked", "Keys that were parked.")
        self._recovered = counter("recovered", "Keys that had failed and have caught up.")
        self._interruptions = counter("interruptions", "Transactions lost to PostgreSQL or to another transaction.")
        self._abandoned = counter("handlers_abandoned", "Handlers that ignored their cancellation.")
        self._retries = metrics.counter(
            "headwater_consumer_retries_total", "Attempts after the first of an event.", ("consumer", "outcome")
        )
        self._batch_events = metrics.histogram(
            "headwater_consumer_batch_events", "Events that one transaction applied.", EVENTS, _CONSUMER
        )
        self._batch_seconds = metrics.histogram(
            "headwater_consumer_batch_duration_seconds", "Seconds that such a transaction took.", SECONDS, _CONSUMER
        )
        self._stopped = metrics.gauge(
            "headwater_consumer_partitions_stopped", "Partitions that are stopped until newer code runs.", _CONSUMER
        )
        self._lanes = metrics.gauge(
            "headwater_consumer_lanes", "Partitions of consumers that run, wait for a turn, or pause.", ("state",)
        )
        self._worker_interruptions = metrics.counter(
            "headwater_consumer_worker_interruptions_total", "How often a worker could not read from the database."
        )
        self._begin(names)

    def listen(self) -> Callable[[], None]:
        """Count from now on; returns what ends it."""
        return listen(
            {
                EventsApplied: self._batch_applied,
                EventApplied: self._retry_applied,
                EventFailed: self._failed,
                KeyParked: self._key_parked,
                KeyRecovered: self._key_recovered,
                BatchInterrupted: self._interrupted,
                HandlerAbandoned: self._handler_abandoned,
                WorkerInterrupted: self._worker_interrupted,
            }
        )

    def show(self, consumers: Iterable[str], stopped: Iterable[str], lanes: dict[str, int]) -> None:
        """How the worker stands: which consumers it has, that of each partition that stands still, lanes by state."""
        counts = Count(stopped)
        show(self._stopped, {(consumer,): counts[consumer] for consumer in consumers})
        show(self._lanes, {(state,): count for state, count in lanes.items()})

    def _begin(self, names: Iterable[str]) -> None:
        """Series that exist before the first count let a rate see that one."""
        families = (self._applied, self._failures, self._parked, self._recovered, self._interruptions, self._abandoned)
        for name in names:
            for family in families:
                family.of(name)
            for outcome in ("applied", "failed"):
                self._retries.of(name, outcome)
            self._batch_events.of(name)
            self._batch_seconds.of(name)

    def _batch_applied(self, applied: EventsApplied) -> None:
        self._applied.of(applied.consumer).add(applied.events)
        self._batch_events.of(applied.consumer).observe(applied.events)
        self._batch_seconds.of(applied.consumer).observe(applied.seconds)

    def _retry_applied(self, applied: EventApplied) -> None:
        self._applied.of(applied.consumer).add()
        if applied.attempt > 1:
            self._retries.of(applied.consumer, "applied").add()

    def _failed(self, failed: EventFailed | KeyParked) -> None:
        self._failures.of(failed.consumer).add()
        if failed.attempt > 1:
            self._retries.of(failed.consumer, "failed").add()

    def _key_parked(self, parked: KeyParked) -> None:
        self._failed(parked)
        self._parked.of(parked.consumer).add()

    def _key_recovered(self, recovered: KeyRecovered) -> None:
        self._recovered.of(recovered.consumer).add()

    def _interrupted(self, interrupted: BatchInterrupted) -> None:
        self._interruptions.of(interrupted.consumer).add()

    def _handler_abandoned(self, abandoned: HandlerAbandoned) -> None:
        self._abandoned.of(abandoned.consumer).add()

    def _worker_interrupted(self, interrupted: WorkerInterrupted) -> None:
        self._worker_interruptions.add()
