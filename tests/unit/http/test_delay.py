"""Controlled delay: a queue that empties may be long, one that stands may not; and how long one would wait."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.http.load.delay import Delay, ServiceRate

TARGET, INTERVAL, STEP = 0.1, 1.0, 0.0625  # sixteen steps an interval, which floats can say


def noted(*waits: float) -> Delay:
    """What has been told these waits, one each step."""
    delay = Delay(TARGET, INTERVAL)
    for index, wait in enumerate(waits):
        delay.record(wait, index * STEP)
    return delay


def test_a_queue_may_hold_an_interval_of_waiting_at_first() -> None:
    assert noted().bound == INTERVAL


def test_a_burst_is_taken_in() -> None:
    assert noted(0.0, *[0.8] * 16).bound == INTERVAL


def test_a_queue_that_has_not_been_empty_for_an_interval_stands_and_may_hold_the_target() -> None:
    delay = noted(0.0, *[0.5] * 17)
    assert (delay.overloaded, delay.bound) == (True, TARGET)


def test_a_queue_that_stands_is_short_again_only_when_it_has_been_empty() -> None:
    assert noted(0.0, *[0.5] * 17, 0.02).overloaded
    assert not noted(0.0, *[0.5] * 17, 0.0).overloaded


def test_a_queue_that_is_short_because_others_were_refused_stands_for_as_long_as_they_are() -> None:
    delay = noted(0.0, *[0.5] * 17)
    delay.refuse(17 * STEP)
    delay.record(0.0, 17 * STEP + INTERVAL / 2)
    assert delay.overloaded
    delay.record(0.5, 17 * STEP + INTERVAL / 2)
    assert delay.overloaded
    delay.record(0.0, 17 * STEP + INTERVAL)
    assert not delay.overloaded


def test_a_wait_of_a_tenth_of_the_target_is_none() -> None:
    assert noted(*[0.01] * 100).bound == INTERVAL


@given(st.lists(st.floats(0, 10), min_size=1, max_size=200))
def test_it_stands_once_all_waits_of_an_interval_were_long_and_until_one_is_short(waits: list[float]) -> None:
    long_for = 0
    for wait in waits:
        long_for = long_for + 1 if wait > TARGET / 10 else 0
    assert noted(*waits).overloaded is (long_for > round(INTERVAL / STEP))


def test_what_one_would_wait_is_ones_place_by_the_rate() -> None:
    rate = ServiceRate()
    for _ in range(10):
        rate.record(5, 0.05)
    assert rate.wait_of(50) == pytest.approx(0.5)


def test_without_a_rate_nothing_is_known() -> None:
    rate = ServiceRate()
    rate.record(5, 0.05)
    rate.reset()
    assert rate.wait_of(1000) == 0


def test_a_new_rate_is_that_of_the_last_second() -> None:
    rate = ServiceRate(span=1.0)
    for _ in range(20):
        rate.record(10, 0.05)
    for _ in range(60):
        rate.record(1, 0.05)
    assert rate.wait_of(20) == pytest.approx(1.0, rel=0.5)


@given(st.lists(st.integers(0, 50), min_size=1, max_size=16))
def test_within_a_second_the_rate_is_the_mean(served: list[int]) -> None:
    rate = ServiceRate(span=1.0)
    for count in served:
        rate.record(count, STEP)
    mean = sum(served) / (len(served) * STEP)
    assert rate.wait_of(7) == (pytest.approx(7 / mean) if mean else 0)
