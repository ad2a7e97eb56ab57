"""The meter of consumers counts what consumers report."""

from collections.abc import Iterator
from typing import Any

import pytest

from headwater.consumer.meter import ConsumerMeter
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
from headwater.observe import Metrics, Occurrence, report
from tests.exposition import Samples, faults, samples

STAND: dict[str, Any] = {"consumer": "shop.count", "partition": 3, "position": "1.0/1.0"}
KEY: dict[str, Any] = {**STAND, "key": "k", "cause": "no"}


class Metered:
    def __init__(self, *names: str) -> None:
        self.metrics = Metrics("consumer 1")
        self.meter = ConsumerMeter(self.metrics, names)
        self.end = self.meter.listen()

    def after(self, *occurrences: Occurrence) -> Samples:
        for each in occurrences:
            report(each)
        text = self.metrics.expose()[1].decode()
        assert faults(text) == []
        return samples(text)


@pytest.fixture
def metered() -> Iterator[Metered]:
    metered = Metered("shop.count")
    yield metered
    metered.end()


def applied(events: int) -> EventsApplied:
    return EventsApplied(**STAND, events=events, passed=2, seconds=0.01)


def failed(attempt: int) -> EventFailed:
    return EventFailed(**KEY, attempt=attempt, retry_in_seconds=1.0)


def test_a_consumer_is_counted_from_0_on(metered: Metered) -> None:
    found = metered.after()
    assert found['headwater_consumer_parked_total{consumer="shop.count"}'] == 0
    assert found['headwater_consumer_retries_total{consumer="shop.count",outcome="failed"}'] == 0
    assert found['headwater_consumer_batch_events_count{consumer="shop.count"}'] == 0


def test_transactions_are_counted_in_events_and_by_size(metered: Metered) -> None:
    found = metered.after(applied(4), applied(500))
    assert found['headwater_consumer_applied_total{consumer="shop.count"}'] == 504
    assert found['headwater_consumer_batch_events_bucket{consumer="shop.count",le="5.0"}'] == 1
    assert found['headwater_consumer_batch_events_sum{consumer="shop.count"}'] == 504
    assert found['headwater_consumer_batch_duration_seconds_sum{consumer="shop.count"}'] == pytest.approx(0.02)


def test_a_failure_is_a_retry_from_the_second_attempt_on(metered: Metered) -> None:
    found = metered.after(failed(1), failed(2), KeyParked(**KEY, attempt=3))
    assert found['headwater_consumer_failures_total{consumer="shop.count"}'] == 3
    assert found['headwater_consumer_retries_total{consumer="shop.count",outcome="failed"}'] == 2
    assert found['headwater_consumer_parked_total{consumer="shop.count"}'] == 1


def test_what_is_applied_by_a_retry_is_applied_and_what_stood_behind_it_was_not_tried_before(metered: Metered) -> None:
    again, behind = (EventApplied(**STAND, key="k", attempt=attempt) for attempt in (2, 1))
    found = metered.after(again, behind, KeyRecovered(consumer="shop.count", partition=3, key="k"))
    assert found['headwater_consumer_applied_total{consumer="shop.count"}'] == 2
    assert found['headwater_consumer_retries_total{consumer="shop.count",outcome="applied"}'] == 1
    assert found['headwater_consumer_recovered_total{consumer="shop.count"}'] == 1


def test_what_is_lost_to_others_is_counted_apart(metered: Metered) -> None:
    found = metered.after(
        BatchInterrupted(consumer="shop.count", partition=3, reason="x", retry_in_seconds=0.1),
        HandlerAbandoned(**STAND),
        WorkerInterrupted(reason="x", retry_in_seconds=0.1),
    )
    assert found['headwater_consumer_interruptions_total{consumer="shop.count"}'] == 1
    assert found['headwater_consumer_handlers_abandoned_total{consumer="shop.count"}'] == 1
    assert found["headwater_consumer_worker_interruptions_total"] == 1
    assert found['headwater_consumer_failures_total{consumer="shop.count"}'] == 0


def test_partitions_that_stand_still_are_shown_until_they_go_on_and_consumers_until_they_are_forgotten(
    metered: Metered,
) -> None:
    metered.meter.show({"shop.count", "shop.other"}, ["shop.other", "shop.other"], {"working": 2, "waiting": 0})
    found = metered.after()
    assert found['headwater_consumer_partitions_stopped{consumer="shop.count"}'] == 0
    assert found['headwater_consumer_partitions_stopped{consumer="shop.other"}'] == 2
    assert found['headwater_consumer_lanes{state="working"}'] == 2
    metered.meter.show({"shop.count"}, [], {"working": 0, "waiting": 0})
    found = metered.after()
    assert 'headwater_consumer_partitions_stopped{consumer="shop.other"}' not in found
