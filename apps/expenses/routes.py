"""HTTP: requests and responses. Data of other people is not found."""

from typing import Annotated
from uuid import UUID

from apps.expenses import budgets, store
from apps.expenses.app import app
from apps.expenses.money import Currency
from apps.expenses.month import Month, first_day, has_month
from apps.expenses.rows import (
    Budget,
    Category,
    Expense,
    Line,
    NewBudget,
    NewCategory,
    NewExpense,
    Notice,
    Report,
    Total,
)
from apps.people import Person
from headwater import Db, Listing, NoRow, Page, Pages, Problem, Tx

CATEGORIES = Pages(Category, sort=("name",), tenant="owner")
EXPENSES = Pages(
    Expense,
    sort=("day", "amount"),
    default="-day",
    filters={
        "category": ("eq", "in"),
        "kind": ("eq", "ne"),
        "currency": ("eq", "in"),
        "day": ("ge", "le", "lt"),
        "amount": ("ge", "le"),
    },
    fields=True,
    count=("none", "exact"),
    tenant="owner",
)
BUDGETS = Pages(
    Budget,
    key=("category", "month", "currency"),
    sort=("month",),
    default="-month",
    filters={"month": ("eq", "ge", "le"), "category": ("eq", "in"), "exceeded": ("eq", "ne")},
    tenant="owner",
)
NOTICES = Pages(Notice, sort=("at",), default="-at", tenant="owner")


@app.query("GET /categories")
async def list_categories(db: Db, page: Annotated[Page, CATEGORIES]) -> Listing[Category]:
    """Your categories, by name."""
    return await page.read(db)


@app.command("POST /categories", status=201, location="/categories/{id}", etag="revision")
async def add_category(tx: Tx, who: Person, category: NewCategory) -> Category:
    """Create a category. A category with the same name is a conflict (409)."""
    return await store.add_category(tx, who.uuid, category.name)


@app.query("GET /categories/{id}", etag="revision")
async def show_category(db: Db, who: Person, id: UUID) -> Category:
    """One category."""
    return await store.category(db, who.uuid, id)


async def lock_category(tx: Tx, who: Person, id: UUID) -> Category:
    return await store.lock_category(tx, who.uuid, id)


@app.command("PUT /categories/{id}", etag="revision", current=lock_category)
async def rename_category(tx: Tx, who: Person, id: UUID, category: NewCategory) -> Category:
    """Rename a category."""
    return await store.rename_category(tx, who.uuid, id, category.name)


@app.command("DELETE /categories/{id}", etag="revision", current=lock_category)
async def remove_category(tx: Tx, who: Person, id: UUID) -> None:
    """Delete a category and its budgets; 409 if it has expenses."""
    await store.remove_category(tx, who.uuid, id)


@app.query("GET /expenses")
async def list_expenses(db: Db, page: Annotated[Page, EXPENSES]) -> Listing[Expense]:
    """Expenses and refunds, the latest day first."""
    return await page.read(db)


@app.command("POST /expenses", status=201, location="/expenses/{id}", idempotency="required", etag="revision")
async def record_expense(tx: Tx, who: Person, expense: NewExpense) -> Expense:
    """Record an expense or a refund; once, if it is sent again with the same key."""
    _require_month(expense)
    await _hold_categories(tx, who, expense.category)
    recorded = await store.add_expense(tx, who.uuid, who.time_zone, expense)
    await budgets.follow(tx, who.uuid, recorded)
    return recorded


@app.query("GET /expenses/{id}", etag="revision")
async def show_expense(db: Db, who: Person, id: UUID) -> Expense:
    """One expense."""
    return await store.expense(db, who.uuid, id)


async def lock_expense(tx: Tx, who: Person, id: UUID) -> Expense:
    return await store.lock_expense(tx, who.uuid, id)


@app.command("PUT /expenses/{id}", etag="revision", current=lock_expense, if_match="required")
async def correct_expense(tx: Tx, who: Person, id: UUID, expense: NewExpense) -> Expense:
    """Correct an expense; 412 if it has changed since you read it."""
    _require_month(expense)
    before = await store.lock_expense(tx, who.uuid, id)
    await _hold_categories(tx, who, before.category, expense.category)
    after = await store.change_expense(tx, who.uuid, who.time_zone, id, expense)
    await budgets.follow(tx, who.uuid, before, after)
    return after


@app.command("DELETE /expenses/{id}", etag="revision", current=lock_expense)
async def remove_expense(tx: Tx, who: Person, id: UUID) -> None:
    """Delete an expense."""
    before = await store.lock_expense(tx, who.uuid, id)
    await _hold_categories(tx, who, before.category)
    await store.remove_expense(tx, who.uuid, id)
    await budgets.follow(tx, who.uuid, before)


@app.query("GET /budgets")
async def list_budgets(db: Db, page: Annotated[Page, BUDGETS]) -> Listing[Budget]:
    """Budgets, the latest month first."""
    return await page.read(db)


async def lock_budget(tx: Tx, who: Person, category: UUID, month: Month, currency: Currency) -> Budget | None:
    await store.lock_category(tx, who.uuid, category)
    return await store.budget(tx, who.uuid, category, first_day(month), currency.value)


@app.command("PUT /categories/{category}/budgets/{month}/{currency}", etag="revision", current=lock_budget)
async def plan(tx: Tx, who: Person, category: UUID, month: Month, currency: Currency, budget: NewBudget) -> Budget:
    """Set the budget of a category for a month."""
    put = await store.put_budget(tx, who.uuid, category, first_day(month), currency.value, budget.amount)
    return await budgets.judge(tx, who.uuid, put)


@app.command("DELETE /categories/{category}/budgets/{month}/{currency}")
async def remove_budget(tx: Tx, who: Person, category: UUID, month: Month, currency: Currency) -> None:
    """Delete a budget."""
    await store.remove_budget(tx, who.uuid, category, first_day(month), currency.value)


@app.query("GET /reports/{month}", etag=True)
async def show_report(db: Db, who: Person, month: Month) -> Report:
    """The expenses of a month by category, with the budget and the change from the month before."""
    lines = await store.report(db, who.uuid, first_day(month))
    return Report(month=month, lines=lines, totals=_totals(lines))


@app.query("GET /notices")
async def list_notices(db: Db, page: Annotated[Page, NOTICES]) -> Listing[Notice]:
    """Budgets that were exceeded, the latest first."""
    return await page.read(db)


async def _hold_categories(tx: Tx, who: Person, *categories: UUID) -> None:
    """Lock the categories in the order of their ids, so that there is no deadlock."""
    for category in sorted(set(categories)):
        try:
            await store.lock_category(tx, who.uuid, category)
        except NoRow:
            error = {"detail": "There is no such category.", "pointer": "#/category"}
            raise Problem(422, errors=[error]) from None


def _require_month(expense: NewExpense) -> None:
    if expense.at is not None and not has_month(expense.at):
        raise Problem(422, errors=[{"detail": "Expected a time from 1900 to 2099.", "pointer": "#/at"}])


def _totals(lines: list[Line]) -> list[Total]:
    """One total per currency; amounts of two currencies are never added."""
    return [
        Total(
            currency=currency,
            net=sum(line.net for line in lines if line.currency == currency),
            budget=sum(line.budget or 0 for line in lines if line.currency == currency),
            before=sum(line.before for line in lines if line.currency == currency),
        )
        for currency in sorted({line.currency for line in lines})
    ]
