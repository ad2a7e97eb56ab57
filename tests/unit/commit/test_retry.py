"""The arithmetic of trying again."""

from hypothesis import given
from hypothesis import strategies as st

from headwater.commit.retry import (
    ATTEMPTS,
    BUDGET,
    CONTENTION,
    Retries,
)


def test_an_attempt_is_followed_by_a_few_others_and_then_by_none() -> None:
    retries = Retries()
    pauses = [retries.pause_after(attempt) for attempt in range(1, ATTEMPTS + 3)]
    assert [pause is None for pause in pauses] == [False] * (ATTEMPTS - 1) + [True] * 3


@given(st.integers(1, ATTEMPTS - 1))
def test_pauses_reach_from_nothing_to_a_limit_that_doubles(attempt: int) -> None:
    asked: list[tuple[float, float]] = []

    def uniform(low: float, high: float) -> float:
        asked.append((low, high))
        return high

    assert Retries(uniform).pause_after(attempt) == asked[0][1]
    assert asked == [(0.0, CONTENTION.ceiling(attempt))]


@given(st.lists(st.booleans(), max_size=400))
def test_in_the_long_run_a_tenth_of_the_executions_are_retries(executed: list[bool]) -> None:
    retries, granted = Retries(), 0
    for is_execution in executed:
        if is_execution:
            retries.earn()
        elif retries.pause_after(1) is not None:
            granted += 1
    assert granted <= BUDGET + 0.1 * sum(executed) + 1e-6


def test_a_spent_budget_is_earned_again() -> None:
    retries = Retries()
    while retries.pause_after(1) is not None:
        pass
    for _ in range(11):
        retries.earn()
    assert retries.pause_after(1) is not None
