"""The WAL budget is told of when it runs low, once, and again when that has been over."""

from collections.abc import Iterable
from typing import Any

import msgspec
import pytest

from headwater.observe import subscribe
from headwater.supervisor.walbudget import WalBudget
from tests.unit.supervisor.test_meter import BACKLOG

MIB = 1 << 20
BUDGET = 1_000 * MIB


def told(
    held_mb: Iterable[float], status: str = "reserved", left_mb: int | None = None, budget: WalBudget | None = None
) -> list[Any]:
    """What is reported while so much is held, one look after the other."""
    heard: list[Any] = []
    end = subscribe(heard.append)
    budget = budget or WalBudget(BUDGET)
    for held in held_mb:
        left = None if left_mb is None else left_mb * MIB
        backlog = msgspec.structs.replace(BACKLOG, held_bytes=int(held * MIB), left_bytes=left, wal_status=status)
        budget.watch(backlog)
    end()
    return heard


def names(heard: list[Any]) -> list[str]:
    return [type(each).__name__ for each in heard]


def test_ample_wal_is_nothing_to_tell() -> None:
    assert told([0, 10, 499]) == []


def test_half_of_the_budget_is_a_warning_and_nine_tenths_an_error_each_told_once() -> None:
    heard = told([499, 500, 600, 899, 900, 990])
    assert [(type(each).__name__, each.level, each.held_mb, each.budget_mb) for each in heard] == [
        ("WalBudgetLow", "warning", 500, 1000),
        ("WalBudgetSpent", "error", 900, 1000),
    ]


def test_what_goes_up_and_down_at_the_border_is_told_once() -> None:
    assert names(told([500, 450, 500, 410, 501])) == ["WalBudgetLow"]


def test_what_is_over_is_told_and_then_it_can_begin_again() -> None:
    assert names(told([500, 300, 500])) == ["WalBudgetLow", "WalBudgetRegained", "WalBudgetLow"]


def test_a_spent_budget_that_is_half_regained_is_nothing_to_tell() -> None:
    assert names(told([950, 600, 100])) == ["WalBudgetSpent", "WalBudgetRegained"]


@pytest.mark.parametrize("status", ["unreserved", "lost"])
def test_a_slot_that_postgresql_gives_up_has_spent_its_budget_whatever_is_held(status: str) -> None:
    heard = told([10, 10], status)
    assert [(type(each).__name__, each.wal_status) for each in heard] == [("WalBudgetSpent", status)]


def test_an_external_postgresql_that_allows_less_is_believed() -> None:
    assert names(told([100], left_mb=90)) == ["WalBudgetLow"]
    assert told([100], left_mb=5_000) == []


def test_a_missing_slot_is_told_by_the_relay() -> None:
    assert told([0], "missing") == []
