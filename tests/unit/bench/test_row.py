"""Samples become ratios, ratios a spread, and a spread a verdict."""

from datetime import UTC, datetime

import pytest

from bench.machine import Machine
from bench.row import RATIO, Figures, Goal, Row, Sample, Sense, Spread, Verdict, compare, judge, order_of, ratios

MACHINE = Machine(
    cpu="a core", cores=2, memory_gib=8, system="Linux 6", python="3.11.7", postgres="18.6", disk="ext4", load=0.1
)
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def samples(side: str, *values: float, cpu_us: float = 1.0) -> list[Sample]:
    return [Sample(side=side, value=value, unit="requests/s", facts={"cpu_us": cpu_us}) for value in values]


def row(goal: Goal) -> Row:
    return Row(name="read", work="read by id", against="a peer", goal=goal)


def test_runs_take_turns_and_whoever_was_last_begins_the_next_pair() -> None:
    assert list(order_of(["A", "B", "C"], 3)) == ["A", "B", "C", "C", "B", "A", "A", "B", "C"]


def test_a_ratio_is_of_runs_that_stood_next_to_each_other() -> None:
    assert ratios(samples("ours", 50, 100), samples("theirs", 100, 400)) == [0.5, 0.25]


def test_ratios_of_unequally_many_runs_are_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        ratios(samples("ours", 50, 100), samples("theirs", 100))


def test_a_spread_is_the_least_the_median_and_the_most() -> None:
    assert Spread.of([3, 1, 10, 2]) == Spread(1, 2.5, 10)
    with pytest.raises(ValueError, match="a spread needs a value"):
        Spread.of([])


@pytest.mark.parametrize(
    ("value", "verdict"),
    [(0.9, Verdict.MET), (0.8, Verdict.MET), (0.79, Verdict.SHORT), (0.73, Verdict.SHORT), (0.71, Verdict.MISSED)],
)
def test_at_least_is_met_from_the_bound_on_and_short_down_to_a_tenth_below(value: float, verdict: Verdict) -> None:
    assert Goal(Sense.AT_LEAST, 0.8, RATIO).judge(value) is verdict


@pytest.mark.parametrize(
    ("value", "verdict"),
    [(1, Verdict.MET), (5, Verdict.MET), (5.1, Verdict.SHORT), (5.4, Verdict.SHORT), (6, Verdict.MISSED)],
)
def test_at_most_is_met_up_to_the_bound_and_short_up_to_a_tenth_above(value: float, verdict: Verdict) -> None:
    assert Goal(Sense.AT_MOST, 5, "ms").judge(value) is verdict


def test_a_comparison_is_judged_by_the_median_of_its_ratios_and_keeps_both_sides() -> None:
    ours, theirs = samples("ours", 80, 90, 40, cpu_us=70), samples("theirs", 100, 100, 100, cpu_us=50)
    result = compare(row(Goal(Sense.AT_LEAST, 0.8, RATIO)), ours, theirs, machine=MACHINE, at=NOON, load="a client")
    assert result.measured == Spread(0.4, 0.8, 0.9)
    assert result.verdict is Verdict.MET
    assert result.runs == 3
    assert result.sides == [
        Figures("ours", "requests/s", Spread(40, 80, 90), {"cpu_us": 70}),
        Figures("theirs", "requests/s", Spread(100, 100, 100), {"cpu_us": 50}),
    ]


def test_an_absolute_goal_is_judged_by_the_median_and_shows_what_was_measured_beside_it() -> None:
    result = judge(
        row(Goal(Sense.AT_MOST, 5, "ms")), samples("applied", 4, 9), samples("a commit", 1), machine=MACHINE, at=NOON
    )
    assert result.measured == Spread(4, 6.5, 9)
    assert result.verdict is Verdict.MISSED
    assert [side.side for side in result.sides] == ["applied", "a commit"]
