"""Types: rows, request bodies, and the event."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from apps.expenses.money import Amount, Currency
from headwater import Event, Meta, Row

Name = Annotated[str, Meta(min_length=1, max_length=60, examples=["Groceries"])]
Note = Annotated[str, Meta(max_length=500, examples=["Bread and cheese"])]
Moment = Annotated[datetime, Meta(tz=True, examples=["2026-11-24T12:30:00+01:00"])]
Kind = Literal["expense", "refund"]


class NewCategory(Row, forbid_unknown_fields=True):
    """The name of a category, unique per person."""

    name: Name


class Category(Row, table="expenses.category"):
    """A category of expenses."""

    id: UUID
    name: str
    revision: int


class NewExpense(Row, forbid_unknown_fields=True):
    """An expense or a refund to record; `at` is now by default."""

    category: UUID
    amount: Amount
    currency: Currency
    kind: Kind = "expense"
    note: Note = ""
    at: Moment | None = None


class Expense(Row, table="expenses.expense"):
    """An expense or a refund. `day` is its date in the owner's time zone; monthly sums use it."""

    id: UUID
    category: UUID
    kind: Kind
    amount: int
    currency: str
    note: str
    at: datetime
    day: date
    revision: int


class NewBudget(Row, forbid_unknown_fields=True):
    """The amount of a budget."""

    amount: Amount


class Budget(Row, table="expenses.budget"):
    """The budget of a category for the month that begins with `month`; `exceeded` if more was spent."""

    category: UUID
    month: date
    currency: str
    amount: int
    exceeded: bool
    revision: int


class Line(Row):
    """A category in a month and one currency. `net` is expenses minus refunds; `left` of the budget is negative when
    it is exceeded; `change` is the difference to the net of the month before."""

    category: UUID
    name: str
    currency: str
    spent: int
    refunded: int
    net: int
    budget: int | None
    left: int | None
    before: int
    change: int


class Total(Row):
    """The total of all categories in one currency."""

    currency: str
    net: int
    budget: int
    before: int


class Report(Row):
    """A month: a line for each category and currency with expenses or a budget."""

    month: str
    lines: list[Line]
    totals: list[Total]


class Notice(Row, table="expenses.notice"):
    """A notice that a budget was exceeded, with the excess at that time."""

    id: UUID
    category: UUID
    month: date
    currency: str
    budget: int
    net: int
    at: datetime


class BudgetExceeded(Event, key="category"):
    """A budget was exceeded; emitted once, until the budget is met again."""

    owner: UUID
    category: UUID
    month: date
    currency: str
    budget: int
    net: int
