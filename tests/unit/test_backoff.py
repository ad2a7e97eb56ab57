"""Backoff: exponential, bounded, with full jitter."""

from hypothesis import given
from hypothesis import strategies as st

from headwater.backoff import Backoff

seconds = st.floats(0.001, 1000)


@given(first=seconds, most=seconds, failures=st.integers(1, 10_000))
def test_a_delay_is_anywhere_below_a_ceiling_that_doubles_up_to_the_most(
    first: float, most: float, failures: int
) -> None:
    backoff = Backoff(first=first, most=most)
    ceiling = backoff.ceiling(failures)
    assert 0 < ceiling <= most
    assert ceiling in (most, backoff.ceiling(failures - 1) * 2 if failures > 1 else first)
    assert backoff.delay(failures, lambda low, high: low) == 0
    assert backoff.delay(failures, lambda low, high: high) == ceiling


def test_the_defaults_try_for_some_minutes_before_they_give_up() -> None:
    assert [Backoff().ceiling(failures) for failures in range(1, 9)] == [0.5, 1, 2, 4, 8, 16, 32, 64]
