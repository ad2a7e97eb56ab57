"""GCRA against an independent model: a bucket that leaks evenly, in exact fractions."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from headwater.http.limit.gcra import Rate


class Bucket:
    """Holds `burst` units and leaks one per `interval`; takes a pour whole or not at all."""

    def __init__(self, interval: int, burst: int) -> None:
        self._interval = interval
        self._burst = burst
        self._level = Fraction(0)
        self._at = 0

    def pour(self, now: int, units: int) -> bool:
        self._level = max(Fraction(0), self._level - Fraction(now - self._at, self._interval))
        self._at = now
        if self._level + units > self._burst:
            return False
        self._level += units
        return True


rates = st.builds(Rate, st.integers(1, 10**7), st.integers(1, 50))
arrivals = st.lists(st.tuples(st.integers(0, 3 * 10**7), st.integers(1, 5)), max_size=60)


@given(rates, arrivals)
def test_every_verdict_is_the_bucket_s(rate: Rate, arrivals: list[tuple[int, int]]) -> None:
    bucket, moment, now = Bucket(*rate), 0, 0
    for gap, cost in arrivals:
        now += gap
        ahead = rate.ahead(max(moment - now, 0), cost)
        allowed = ahead <= rate.depth
        assert allowed == bucket.pour(now, cost)
        if allowed:
            moment = now + ahead


@given(rates, st.integers(0, 10**9), st.integers(1, 50))
def test_after_the_wait_it_is_let_through_and_not_a_microsecond_before(rate: Rate, debt: int, cost: int) -> None:
    debt, cost = min(debt, rate.depth), min(cost, rate.burst)
    wait = rate.wait(debt, cost)
    assert rate.refuses(debt, cost) == (wait > 0)
    if wait > 0:
        assert rate.ahead(max(debt - wait, 0), cost) <= rate.depth
        assert rate.ahead(debt - wait + 1, cost) > rate.depth


@given(rates, st.integers(0, 10**9), st.integers(1, 50))
def test_what_is_more_than_the_burst_waits_until_all_of_it_is_there(rate: Rate, debt: int, more: int) -> None:
    debt, cost = min(debt, rate.depth), rate.burst + more
    assert rate.refuses(debt, cost)
    assert rate.wait(debt, cost) == debt


@given(rates, st.integers(0, 10**9))
def test_what_is_left_can_be_taken_and_no_more(rate: Rate, debt: int) -> None:
    debt = min(debt, rate.depth)
    left = rate.left(debt)
    assert rate.ahead(debt, left) <= rate.depth < rate.ahead(debt, left + 1)
