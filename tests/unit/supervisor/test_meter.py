"""The meter of a backend shows what its supervisor knows, and nothing that it does not."""

from collections.abc import Callable
from datetime import UTC, datetime

import msgspec
import pytest

from headwater.consumer import Lag
from headwater.log import START, Position
from headwater.observe import Metrics, report
from headwater.supervisor.databasemeter import DatabaseMeter
from headwater.supervisor.keeper import Phase, ProcessDied, ProcessState
from headwater.supervisor.lagmonitor import Measurement
from headwater.supervisor.meter import BackendMeter
from headwater.supervisor.walhistory import KEPT, WalHistory
from headwater.wal.backlog import Backlog
from tests.exposition import Samples, faults, samples

NOW = datetime(2026, 1, 2, tzinfo=UTC)
BACKLOG = Backlog(
    position=Position(2, 900, 0),
    partitions=16,
    segments=3,
    log_bytes=70_000,
    scanned=1_000,
    written=1_500,
    wal_status="reserved",
    active=True,
    held_bytes=700,
    left_bytes=9_000,
    oldest_transaction_seconds=12.5,
)


def found(metrics: Metrics) -> Samples:
    text = metrics.expose()[1].decode()
    assert faults(text) == []
    return samples(text)


def behind(consumer: str, entries: int, parked: int = 0) -> Lag:
    return Lag(
        consumer=consumer,
        handler=consumer,
        generation=1,
        head=START,
        position=START,
        watermarks={},
        batches=1,
        entries=entries,
        seconds=1.5,
        still_seconds=0.5,
        in_retry=2,
        parked=parked,
    )


def look(backlog: Backlog | None = BACKLOG, *consumers: Lag) -> Measurement:
    return Measurement(consumers=consumers, backlog=backlog, seconds=0.004)


def database(monotonic: Callable[[], float] = lambda: 0.0) -> tuple[DatabaseMeter, Metrics]:
    metrics = Metrics("supervisor")
    return DatabaseMeter(metrics, 4_096, monotonic), metrics


def test_a_look_shows_relay_slot_log_and_consumers() -> None:
    meter, metrics = database()
    meter.show(look(BACKLOG, behind("shop.count", 7, parked=1), behind("shop.other", 0)))
    shown = found(metrics)
    expected = {
        "headwater_database_up": 1,
        "headwater_relay_lag_bytes": 500,
        "headwater_wal_held_bytes": 700,
        "headwater_wal_budget_left_bytes": 9_000,
        "headwater_wal_budget_bytes": 4_096,
        "headwater_slot_active": 1,
        'headwater_slot_status{status="reserved"}': 1,
        'headwater_slot_status{status="lost"}': 0,
        "headwater_log_size_bytes": 70_000,
        "headwater_log_epoch": 2,
        "headwater_database_oldest_transaction_seconds": 12.5,
        'headwater_consumer_lag_entries{consumer="shop.count"}': 7,
        'headwater_consumer_lag_seconds{consumer="shop.count"}': 1.5,
        'headwater_consumer_still_seconds{consumer="shop.count"}': 0.5,
        'headwater_consumer_keys_in_retry{consumer="shop.other"}': 2,
        'headwater_consumer_keys_parked{consumer="shop.count"}': 1,
    }
    assert {name: shown[name] for name in expected} == expected


def test_what_was_not_seen_is_absent() -> None:
    meter, metrics = database()
    silent = {"headwater_database_up", "headwater_wal_budget_bytes"}
    assert {name for name in found(metrics) if name.startswith("headwater")} == silent
    meter.show(look(BACKLOG, behind("shop.count", 7)))
    meter.show(None)
    shown = found(metrics)
    assert {name for name in shown if name.startswith("headwater")} == silent
    assert shown["headwater_database_up"] == 0


def test_a_consumer_that_is_forgotten_is_absent_and_so_is_a_limit_that_is_not_set() -> None:
    meter, metrics = database()
    meter.show(look(BACKLOG, behind("shop.count", 7), behind("shop.old", 1)))
    meter.show(look(msgspec.structs.replace(BACKLOG, left_bytes=None), behind("shop.count", 7)))
    shown = found(metrics)
    assert 'headwater_consumer_lag_entries{consumer="shop.old"}' not in shown
    assert "headwater_wal_budget_left_bytes" not in shown


@pytest.mark.parametrize("status", ["reserved", "extended", "unreserved", "lost", "missing"])
def test_a_slot_is_in_one_state(status: str) -> None:
    meter, metrics = database()
    meter.show(look(msgspec.structs.replace(BACKLOG, wal_status=status)))
    states = {name: value for name, value in found(metrics).items() if name.startswith("headwater_slot_status")}
    assert [name for name, value in states.items() if value] == [f'headwater_slot_status{{status="{status}"}}']
    assert len(states) == 5


def test_the_relay_is_late_by_the_age_of_what_it_has_not_read() -> None:
    times = iter([10.0, 11.0, 12.0, 13.0])
    meter, metrics = database(lambda: next(times))
    shown = []
    for scanned, written in ((100, 100), (100, 200), (100, 300), (250, 300)):
        meter.show(look(msgspec.structs.replace(BACKLOG, scanned=scanned, written=written)))
        shown.append(found(metrics)["headwater_relay_lag_seconds"])
    assert shown == [0.0, 0.0, 1.0, 1.0]


def test_a_relay_that_is_dead_for_long_grows_later_in_bounded_memory() -> None:
    history = WalHistory()
    late = [history.seconds_behind(0, lsn, float(lsn)) for lsn in range(1, 10 * KEPT)]
    assert late[-1] == 10 * KEPT - 2
    assert len(history._looks) <= KEPT
    half = 5 * KEPT
    assert history.seconds_behind(half, 10 * KEPT, 10.0 * KEPT) == pytest.approx(half, rel=0.01)


def test_a_database_that_went_back_is_another_one() -> None:
    history = WalHistory()
    history.seconds_behind(0, 1_000, 1.0)
    assert history.seconds_behind(0, 10, 5.0) == 0.0


def test_processes_are_shown_with_their_restarts() -> None:
    metrics = Metrics("supervisor")
    meter = BackendMeter(metrics, 4_096)
    end = meter.listen()
    states = [
        ProcessState("relay", Phase.RUNNING, 1, NOW, 0, None),
        ProcessState("web 1", Phase.BACKING_OFF, 2, NOW, 1, "x"),
    ]
    meter.show_processes(states)
    report(ProcessDied(name="web 1", cause="x", delay_seconds=0.1))
    end()
    shown = found(metrics)
    assert shown['headwater_process_up{process="relay"}'] == 1
    assert shown['headwater_process_up{process="web 1"}'] == 0
    assert shown['headwater_process_restarts_total{process="relay"}'] == 0
    assert shown['headwater_process_restarts_total{process="web 1"}'] == 1
    assert [name for name in shown if name.startswith("headwater_build_info{version=")]
