"""What is stored, what is shown, and the one fact that is announced."""

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
    """What a category is called; no two of one person share a name."""

    name: Name


class Category(Row, table="expenses.category"):
    """What money is spent on."""

    id: UUID
    name: str
    revision: int


class NewExpense(Row, forbid_unknown_fields=True):
    """What was spent, or came back; `at` is now unless it says otherwise."""

    category: UUID
    amount: Amount
    currency: Currency
    kind: Kind = "expense"
    note: Note = ""
    at: Moment | None = None


class Expense(Row, table="expenses.expense"):
    """`day` is the one on which it happened where its owner was; what is summed up by month goes by it."""

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
    """What may be spent."""

    amount: Amount


class Budget(Row, table="expenses.budget"):
    """What may be spent in a category in the month that begins with `month`; `exceeded` says that more was."""

    category: UUID
    month: date
    currency: str
    amount: int
    exceeded: bool
    revision: int


class Line(Row):
    """A category in a month and one currency. `net` is what was spent without what came back; `left` of the budget
    is negative when it is exceeded; `change` is to the net of the month before."""

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
    """All categories in one currency."""

    currency: str
    net: int
    budget: int
    before: int


class Report(Row):
    """A month: a line for each category and currency in which something was spent or planned."""

    month: str
    lines: list[Line]
    totals: list[Total]


class Notice(Row, table="expenses.notice"):
    """That a budget was exceeded: by how much at the moment when it was."""

    id: UUID
    category: UUID
    month: date
    currency: str
    budget: int
    net: int
    at: datetime


class BudgetExceeded(Event, key="category"):
    """More was spent than planned; said once, until there is something left again."""

    owner: UUID
    category: UUID
    month: date
    currency: str
    budget: int
    net: int
