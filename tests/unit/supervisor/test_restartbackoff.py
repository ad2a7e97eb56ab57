"""How long a keeper waits."""

from headwater.backoff import Backoff
from headwater.supervisor.restartbackoff import RESTART, STABLE_SECONDS, RestartBackoff


def longest(low: float, high: float) -> float:
    return high


def test_the_delay_doubles_up_to_its_limit() -> None:
    deaths = RestartBackoff(Backoff(first=1, most=5), stable_seconds=60, pick=longest)
    assert [deaths.delay_after(0) for _ in range(5)] == [1, 2, 4, 5, 5]


def test_a_stable_run_starts_the_delays_anew() -> None:
    deaths = RestartBackoff(Backoff(first=1, most=5), stable_seconds=60, pick=longest)
    assert [deaths.delay_after(ran) for ran in (0, 59.9, 60, 0)] == [1, 2, 1, 2]


def test_what_merely_outlives_its_delay_is_not_yet_stable() -> None:
    assert RESTART.most < STABLE_SECONDS
