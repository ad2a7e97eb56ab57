"""The pauses between attempts while PostgreSQL cannot be reached."""

import pytest

from headwater.db import DatabaseBack, DatabaseLost, Unavailable
from headwater.db.breaker import RECONNECT, CircuitBreaker
from headwater.observe import Occurrence, subscribe
from headwater.testing import Clock


def test_without_an_outage_everyone_is_admitted() -> None:
    breaker = CircuitBreaker("test")
    for _ in range(3):
        breaker.admit()
    assert not breaker.is_open


def test_others_are_refused_with_the_time_until_the_next_attempt() -> None:
    clock = Clock(frozen=True)
    breaker = CircuitBreaker("test", clock.monotonic)
    breaker.record_failure("connection refused")
    with pytest.raises(Unavailable, match="connection refused") as caught:
        breaker.admit()
    clock.jump(seconds=caught.value.retry_after, milliseconds=1)
    breaker.admit()


def test_one_attempt_is_admitted_per_pause() -> None:
    clock = Clock(frozen=True)
    breaker = CircuitBreaker("test", clock.monotonic)
    breaker.record_failure("refused")
    clock.jump(seconds=1)
    breaker.admit()
    with pytest.raises(Unavailable):
        breaker.admit()


def test_pauses_grow_to_seconds_and_no_further() -> None:
    clock = Clock(frozen=True)
    breaker = CircuitBreaker("test", clock.monotonic, pick=lambda low, high: high)
    pauses = []
    for _ in range(20):
        breaker.record_failure("refused")
        with pytest.raises(Unavailable) as caught:
            breaker.admit()
        pauses.append(caught.value.retry_after)
        clock.jump(seconds=caught.value.retry_after)
    assert pauses == pytest.approx([RECONNECT.ceiling(failures) for failures in range(1, 21)])
    assert pauses[-1] == pytest.approx(2.0)


def test_the_beginning_and_the_end_are_told_once_each() -> None:
    told: list[Occurrence] = []
    unsubscribe = subscribe(told.append)
    clock = Clock(frozen=True)
    breaker = CircuitBreaker("test", clock.monotonic)
    breaker.record_success()
    breaker.record_failure("refused")
    breaker.record_failure("refused")
    clock.jump(seconds=3)
    breaker.record_success()
    breaker.record_success()
    unsubscribe()
    assert told == [
        DatabaseLost(application_name="test", cause="refused"),
        DatabaseBack(application_name="test", seconds=3.0),
    ]
