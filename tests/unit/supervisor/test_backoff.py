"""How long a keeper waits."""

import random

import pytest

from headwater.supervisor.backoff import Backoff


class _Even(random.Random):
    """Dice that always fall in the middle."""

    def uniform(self, a: float, b: float) -> float:
        return (a + b) / 2


def test_the_delay_doubles_up_to_its_limit() -> None:
    backoff = Backoff(first_seconds=1, limit_seconds=5, stable_seconds=60, dice=_Even())
    assert [backoff.delay_after(0) for _ in range(5)] == [1, 2, 4, 5, 5]


def test_a_stable_run_starts_the_delays_anew() -> None:
    backoff = Backoff(first_seconds=1, limit_seconds=5, stable_seconds=60, dice=_Even())
    assert [backoff.delay_after(ran) for ran in (0, 59.9, 60, 0)] == [1, 2, 1, 2]


@pytest.mark.parametrize("seed", range(20))
def test_the_delay_is_jittered_by_a_quarter_and_never_overflows(seed: int) -> None:
    backoff = Backoff(first_seconds=1, limit_seconds=8, dice=random.Random(seed))
    delays = [backoff.delay_after(0) for _ in range(2000)]
    assert 6 <= min(delays[3:]) <= max(delays) <= 10


def test_an_untouched_backoff_outwaits_its_own_limit_before_it_forgets() -> None:
    backoff = Backoff()
    assert backoff.stable_seconds > backoff.limit_seconds * 1.25
