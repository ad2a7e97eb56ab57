"""Budgets, what is said when one is exceeded, and the report of a month."""

import asyncio
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.expenses.money import MOST
from apps.expenses.tests.people import Asker, somebody
from headwater.testing import RunningBackend

NOON = "2026-03-10T12:00:00Z"


async def plan(asker: Asker, category: str, amount: int, month: str = "2026-03") -> Any:
    put = await asker.send("PUT", f"/categories/{category}/budgets/{month}/EUR", {"amount": amount})
    assert put.status == 200
    return put.json()


async def exceeded(asker: Asker) -> bool:
    return bool((await asker.get("/budgets")).json()["items"][0]["exceeded"])


async def notices(asker: Asker) -> list[tuple[int, int]]:
    found = (await asker.get("/notices")).json()["items"]
    return [(each["budget"], each["net"]) for each in found]


async def test_an_exceeded_budget_is_flagged_and_noticed_once(backend: RunningBackend) -> None:
    ada = await somebody(backend)
    category = await ada.category()
    await plan(ada, category, 1000)
    for amount in (600, 500, 400):
        await ada.spend(category, amount, at=NOON)
    await backend.settle()
    assert await exceeded(ada)
    assert await notices(ada) == [(1000, 1100)]


async def test_a_refund_that_leaves_something_lets_it_be_said_again(backend: RunningBackend) -> None:
    ada = await somebody(backend)
    category = await ada.category()
    await plan(ada, category, 1000)
    await ada.spend(category, 1500, at=NOON)
    await ada.spend(category, 600, kind="refund", at=NOON)
    assert not await exceeded(ada)
    await ada.spend(category, 200, at=NOON)
    await backend.settle()
    assert sorted(await notices(ada)) == [(1000, 1100), (1000, 1500)]


async def test_a_budget_that_is_too_small_when_it_is_set_is_exceeded_at_once(backend: RunningBackend) -> None:
    ada = await somebody(backend)
    category = await ada.category()
    await ada.spend(category, 1500, at=NOON)
    assert (await plan(ada, category, 1000))["exceeded"]
    assert not (await plan(ada, category, 2000))["exceeded"]


async def test_of_many_expenses_at_once_exactly_one_exceeds_the_budget(backend: RunningBackend) -> None:
    ada = await somebody(backend)
    category = await ada.category()
    await plan(ada, category, 1000)
    answers = await asyncio.gather(*(ada.spend(category, 100, at=NOON) for _ in range(20)))
    assert {answer.status for answer in answers} == {201}
    await backend.settle()
    assert await notices(ada) == [(1000, 1100)]


async def test_an_expense_that_moves_counts_in_both_categories(backend: RunningBackend) -> None:
    ada = await somebody(backend)
    first, second = await ada.category("A"), await ada.category("B")
    for each in (first, second):
        await plan(ada, each, 1000)
    made = await ada.spend(first, 1500, at=NOON)
    moved = {"category": second, "amount": 1500, "currency": "EUR"}
    await ada.send("PUT", made.headers["location"], moved, If_Match=made.headers["etag"])
    states = {each["category"]: each["exceeded"] for each in (await ada.get("/budgets")).json()["items"]}
    assert states == {first: False, second: True}


async def test_a_report_compares_with_the_budget_and_the_month_before(backend: RunningBackend) -> None:
    ada = await somebody(backend)
    food, rent = await ada.category("Food"), await ada.category("Rent")
    await plan(ada, food, 1000)
    await ada.spend(food, 700, at="2026-02-28T12:00:00Z")
    await ada.spend(food, 900, at=NOON)
    await ada.spend(food, 100, kind="refund", at=NOON)
    await ada.spend(rent, 5000, at=NOON)
    await ada.spend(rent, 300, currency="JPY", at=NOON)
    report = (await ada.get("/reports/2026-03")).json()
    shown = [
        tuple(line[name] for name in ("name", "currency", "net", "left", "before", "change"))
        for line in report["lines"]
    ]
    assert shown == [
        ("Food", "EUR", 800, 200, 700, 100),
        ("Rent", "EUR", 5000, None, 0, 5000),
        ("Rent", "JPY", 300, None, 0, 300),
    ]
    assert report["totals"] == [
        {"currency": "EUR", "net": 5800, "budget": 1000, "before": 700},
        {"currency": "JPY", "net": 300, "budget": 0, "before": 0},
    ]


async def test_no_such_month_is_no_such_path(backend: RunningBackend) -> None:
    ada = await somebody(backend)
    assert {(await ada.get(f"/reports/{month}")).status for month in ("2026-13", "2026-1", "0000-01")} == {404}


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(1, MOST), st.sampled_from(["expense", "refund"]), st.sampled_from([2, 3]))),
)
async def test_a_report_adds_up_to_what_was_recorded(
    backend: RunningBackend, spent: list[tuple[int, str, int]]
) -> None:
    ada = await somebody(backend)
    category = await ada.category()
    for amount, kind, month in spent:
        await ada.spend(category, amount, kind=kind, at=f"2026-0{month}-15T12:00:00Z")
    totals = (await ada.get("/reports/2026-03")).json()["totals"]
    expected = {month: sum(a if k == "expense" else -a for a, k, m in spent if m == month) for month in (2, 3)}
    assert [(each["net"], each["before"]) for each in totals] == ([(expected[3], expected[2])] if spent else [])


async def test_a_month_ends_where_it_ends(backend: RunningBackend) -> None:
    ada = await somebody(backend)
    assert (await ada.get("/reports/2026-03%0A")).status == 404
