"""The meter of the relay counts what the relay reports."""

from collections.abc import Iterator

import pytest

from headwater.observe import Metrics, Occurrence, report
from headwater.wal.acknowledgement import StandbyCaughtUp, StandbyGivenUp
from headwater.wal.assembler import MalformedEvent, RefusedMessage
from headwater.wal.meter import RelayMeter
from headwater.wal.occurrences import Appended, GateClosed, GatePassed, RelayInterrupted, RelayStarted
from tests.exposition import Samples, faults, samples

STARTED = RelayStarted(slot="headwater", position="1.0/0.0", term=1)
INTERRUPTED = RelayInterrupted(reason="StreamLost", retry_in_seconds=0.1)


@pytest.fixture
def metrics() -> Iterator[Metrics]:
    metrics = Metrics("relay")
    end = RelayMeter(metrics).listen()
    yield metrics
    end()


def after(metrics: Metrics, *occurrences: Occurrence) -> Samples:
    for each in occurrences:
        report(each)
    text = metrics.expose()[1].decode()
    assert faults(text) == []
    return samples(text)


def appended(transactions: int, entries: int, seconds: float = 0.002) -> Appended:
    return Appended(position="1.0/1.0", transactions=transactions, entries=entries, seconds=seconds)


def test_appends_are_counted_in_transactions_and_entries_and_by_size(metrics: Metrics) -> None:
    found = after(metrics, appended(3, 7), appended(1, 300, 0.2))
    assert found["headwater_relay_transactions_total"] == 4
    assert found["headwater_relay_entries_total"] == 307
    assert found['headwater_relay_append_entries_bucket{le="10.0"}'] == 1
    assert found["headwater_relay_append_entries_sum"] == 307
    assert found["headwater_relay_append_duration_seconds_count"] == 2
    assert found["headwater_relay_append_duration_seconds_sum"] == pytest.approx(0.202)


def test_a_heartbeat_is_no_append_of_entries(metrics: Metrics) -> None:
    found = after(metrics, appended(1, 0))
    assert found["headwater_relay_append_entries_count"] == 0
    assert found["headwater_relay_transactions_total"] == 1


def test_the_relay_is_up_from_its_take_over_to_its_next_loss(metrics: Metrics) -> None:
    assert after(metrics)["headwater_relay_up"] == 0
    assert after(metrics, STARTED)["headwater_relay_up"] == 1
    found = after(metrics, INTERRUPTED)
    assert (found["headwater_relay_up"], found["headwater_relay_interruptions_total"]) == (0, 1)
    assert after(metrics, STARTED)["headwater_relay_starts_total"] == 2


def test_the_gate_is_closed_while_a_wait_lasts_long_and_each_wait_is_timed(metrics: Metrics) -> None:
    assert after(metrics, GateClosed(waited_seconds=1.0, xid=7))["headwater_relay_gate_closed"] == 1
    found = after(metrics, GatePassed(waited_seconds=3.0, xid=7), GatePassed(waited_seconds=0.001, xid=8))
    assert found["headwater_relay_gate_closed"] == 0
    assert found["headwater_relay_gate_duration_seconds_count"] == 2
    assert found["headwater_relay_gate_duration_seconds_sum"] == pytest.approx(3.001)


def test_a_loss_while_the_gate_is_closed_opens_it(metrics: Metrics) -> None:
    found = after(metrics, GateClosed(waited_seconds=1.0, xid=7), INTERRUPTED)
    assert found["headwater_relay_gate_closed"] == 0


def test_what_is_no_event_is_counted(metrics: Metrics) -> None:
    found = after(metrics, RefusedMessage(lsn=1), MalformedEvent(commit_lsn=1, ordinal=0, reason="x"))
    assert found["headwater_relay_malformed_total"] == 2


def test_a_standby_is_given_up_until_it_has_caught_up_or_the_relay_starts_again(metrics: Metrics) -> None:
    name = "headwater_relay_standbys_given_up"
    assert after(metrics, StandbyGivenUp(slots=["north", "south"], held_bytes=1))[name] == 2
    assert after(metrics, StandbyGivenUp(slots=["south"], held_bytes=2))[name] == 2
    assert after(metrics, StandbyCaughtUp(slots=["north"]))[name] == 1
    assert after(metrics, STARTED)[name] == 0
