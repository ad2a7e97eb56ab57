"""Recording, correcting and exporting what was spent."""

import asyncio
from datetime import date

import pytest

from apps.expenses.tests.people import somebody
from headwater.testing import RunningBackend


async def test_an_expense_is_recorded_once_however_often_it_is_sent(backend: RunningBackend) -> None:
    ada = await somebody(backend)
    asked = {"category": await ada.category(), "amount": 1234, "currency": "EUR"}
    answers = await asyncio.gather(*(ada.send("POST", "/expenses", asked, key="once") for _ in range(10)))
    assert {answer.status for answer in answers} == {201}
    assert len((await ada.get("/expenses")).json()["items"]) == 1


async def test_the_day_of_an_expense_is_the_one_where_its_owner_is(backend: RunningBackend) -> None:
    auckland, london = await somebody(backend, zone="Pacific/Auckland"), await somebody(backend, zone="Europe/London")
    at = "2026-01-31T12:30:00Z"
    there = (await auckland.spend(await auckland.category(), 100, at=at)).json()
    here = (await london.spend(await london.category(), 100, at=at)).json()
    assert (there["day"], here["day"]) == ("2026-02-01", "2026-01-31")


@pytest.mark.parametrize(
    "at", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", "2026-03-10T12:00:00", "1900-01-01T00:00:00Z"]
)
async def test_a_moment_without_a_month_or_a_time_zone_is_pointed_at(backend: RunningBackend, at: str) -> None:
    ada = await somebody(backend, zone="Pacific/Kiritimati")
    refused = await ada.spend(await ada.category(), 100, at=at)
    assert (refused.status, [each["pointer"] for each in refused.json()["errors"]]) == (422, ["#/at"])


async def test_a_fraction_of_a_cent_and_an_unknown_currency_are_refused(backend: RunningBackend) -> None:
    ada = await somebody(backend)
    refused = await ada.send(
        "POST", "/expenses", {"category": await ada.category(), "amount": 12.34, "currency": "XXX"}
    )
    assert refused.status == 422
    assert [each["pointer"] for each in refused.json()["errors"]] == ["#/amount", "#/currency"]


async def test_of_two_corrections_of_one_state_one_is_refused(backend: RunningBackend) -> None:
    ada = await somebody(backend)
    category = await ada.category()
    made = await ada.spend(category, 100)
    path, etag = made.headers["location"], made.headers["etag"]
    answers = await asyncio.gather(
        *(
            ada.send("PUT", path, {"category": category, "amount": 200 + n, "currency": "EUR"}, If_Match=etag)
            for n in range(2)
        )
    )
    assert sorted(answer.status for answer in answers) == [200, 412]


async def test_a_correction_names_the_state_that_was_read(backend: RunningBackend) -> None:
    ada = await somebody(backend)
    category = await ada.category()
    made = await ada.spend(category, 100)
    blind = await ada.send("PUT", made.headers["location"], {"category": category, "amount": 200, "currency": "EUR"})
    assert blind.status == 428


async def test_a_category_in_use_stays(backend: RunningBackend) -> None:
    ada = await somebody(backend)
    category = await ada.category()
    await ada.spend(category, 100)
    assert (await ada.send("DELETE", f"/categories/{category}")).status == 409


async def test_two_categories_of_one_name_are_one_too_many(backend: RunningBackend) -> None:
    ada = await somebody(backend)
    await ada.category("Rent")
    assert (await ada.send("POST", "/categories", {"name": "Rent"})).status == 409


async def test_lists_are_filtered_and_sorted(backend: RunningBackend) -> None:
    ada = await somebody(backend)
    category = await ada.category()
    for amount, day in ((300, 3), (100, 1), (200, 2)):
        await ada.spend(category, amount, at=f"2026-03-0{day}T12:00:00Z")
    found = await ada.get("/expenses?sort=amount&day[ge]=2026-03-02&fields=amount&count=exact")
    assert [each["amount"] for each in found.json()["items"]] == [200, 300]
    assert found.json()["count"] == 2


async def test_the_table_has_amounts_as_people_write_them_and_no_formulas(backend: RunningBackend) -> None:
    ada = await somebody(backend)
    category = await ada.category()
    await ada.spend(category, 1234, note="=cmd()", at="2026-03-01T12:00:00Z")
    await ada.spend(category, 500, kind="refund", currency="JPY", at="2026-03-02T12:00:00Z")
    table = await ada.get("/expenses.csv?first=2026-03-01&last=2026-03-31")
    assert table.headers["content-type"].startswith("text/csv")
    assert table.text.splitlines() == [
        "day,category,kind,amount,currency,note",
        f"2026-03-01,{category},expense,12.34,EUR,'=cmd()",
        f"2026-03-02,{category},refund,-500,JPY,",
    ]


async def test_the_export_has_a_line_for_each_expense(backend: RunningBackend) -> None:
    ada = await somebody(backend)
    category = await ada.category()
    for day in range(1, 10):
        await ada.spend(category, day, at=f"2026-03-0{day}T12:00:00Z")
    lines = await ada.get("/expenses.ndjson?first=2026-03-02&last=2026-03-08")
    assert [date(2026, 3, day).isoformat() in line for day, line in enumerate(lines.text.splitlines(), 2)] == [True] * 7


async def test_who_has_left_is_forgotten(backend: RunningBackend) -> None:
    ada, eve = await somebody(backend, "Ada"), await somebody(backend, "Eve")
    for each in (ada, eve):
        await each.spend(await each.category(), 100)
    await ada.send("DELETE", "/people/me")
    await backend.settle()
    left = await backend.db.one(int, "select count(*) from expenses.expense")
    categories = await backend.db.one(int, "select count(*) from expenses.category")
    assert (left, categories) == (1, 1)
