"""SQL, and nothing else: each function is one statement, and each names the owner whose rows it may touch."""

from collections.abc import AsyncIterator
from datetime import date, datetime
from pathlib import Path
from uuid import UUID

from apps.expenses.rows import (
    Budget,
    BudgetExceeded,
    Category,
    Expense,
    Line,
    NewExpense,
)
from headwater import Db, Tx, uuid7

CATEGORY = "id, name, revision"
EXPENSE = "id, category, kind, amount, currency, note, at, day, revision"
BUDGET = "category, month, currency, amount, exceeded, revision"
REPORT = Path(__file__).with_name("report.sql").read_text(encoding="utf-8")


async def add_category(tx: Tx, owner: UUID, name: str) -> Category:
    """Raises `Conflict` if the owner has a category with this name."""
    return await tx.one(
        Category,
        f"insert into expenses.category (id, owner, name) values ($1, $2, $3) returning {CATEGORY}",
        uuid7(),
        owner,
        name,
    )


async def category(db: Db, owner: UUID, id: UUID) -> Category:
    return await db.one(Category, f"select {CATEGORY} from expenses.category where owner = $1 and id = $2", owner, id)


async def lock_category(tx: Tx, owner: UUID, id: UUID) -> Category:
    """Every change of a category's expenses or budgets holds this lock, so that none misses another."""
    return await tx.one(
        Category, f"select {CATEGORY} from expenses.category where owner = $1 and id = $2 for update", owner, id
    )


async def rename_category(tx: Tx, owner: UUID, id: UUID, name: str) -> Category:
    return await tx.one(
        Category,
        f"""
        update expenses.category set name = $3, revision = revision + 1 where owner = $1 and id = $2
        returning {CATEGORY}
        """,
        owner,
        id,
        name,
    )


async def remove_category(tx: Tx, owner: UUID, id: UUID) -> None:
    """Delete it with its budgets; raises `StillReferenced` if it has expenses."""
    await tx.run("delete from expenses.category where owner = $1 and id = $2", owner, id)


async def add_expense(tx: Tx, owner: UUID, zone: str, new: NewExpense) -> Expense:
    return await tx.one(
        Expense,
        f"""
        insert into expenses.expense (id, owner, category, kind, amount, currency, note, at, day)
        select $1, $2, $3, $4, $5, $6, $7, moment, (moment at time zone $9)::date
        from (select coalesce($8::timestamptz, now()) as moment) as given
        returning {EXPENSE}
        """,
        uuid7(),
        owner,
        new.category,
        new.kind,
        new.amount,
        new.currency.value,
        new.note,
        new.at,
        zone,
    )


async def expense(db: Db, owner: UUID, id: UUID) -> Expense:
    return await db.one(Expense, f"select {EXPENSE} from expenses.expense where owner = $1 and id = $2", owner, id)


async def lock_expense(tx: Tx, owner: UUID, id: UUID) -> Expense:
    return await tx.one(
        Expense, f"select {EXPENSE} from expenses.expense where owner = $1 and id = $2 for update", owner, id
    )


async def change_expense(tx: Tx, owner: UUID, zone: str, id: UUID, new: NewExpense) -> Expense:
    """Store the changes; without an `at` the time stays as it was."""
    return await tx.one(
        Expense,
        f"""
        update expenses.expense set
            category = $3, kind = $4, amount = $5, currency = $6, note = $7, at = coalesce($8, at),
            day = case when $8::timestamptz is null then day else ($8 at time zone $9)::date end,
            revision = revision + 1
        where owner = $1 and id = $2
        returning {EXPENSE}
        """,
        owner,
        id,
        new.category,
        new.kind,
        new.amount,
        new.currency.value,
        new.note,
        new.at,
        zone,
    )


async def remove_expense(tx: Tx, owner: UUID, id: UUID) -> None:
    await tx.run("delete from expenses.expense where owner = $1 and id = $2", owner, id)


def expenses_between(db: Db, owner: UUID, first: date, last: date) -> AsyncIterator[Expense]:
    """All expenses from one day to another, inclusive, in the order of days."""
    return db.stream(
        Expense,
        f"select {EXPENSE} from expenses.expense where owner = $1 and day between $2 and $3 order by day, id",
        owner,
        first,
        last,
    )


async def net(tx: Tx, owner: UUID, category: UUID, month: date, currency: str) -> int:
    """Expenses minus refunds in a month."""
    return await tx.one(
        int,
        """
        select coalesce(sum(case kind when 'expense' then amount else -amount end), 0)::bigint
        from expenses.expense
        where owner = $1 and category = $2 and currency = $4 and day >= $3 and day < $3 + interval '1 month'
        """,
        owner,
        category,
        month,
        currency,
    )


async def budget(tx: Tx, owner: UUID, category: UUID, month: date, currency: str) -> Budget | None:
    return await tx.maybe(
        Budget,
        f"""
        select {BUDGET} from expenses.budget
        where owner = $1 and category = $2 and month = $3 and currency = $4
        for update
        """,
        owner,
        category,
        month,
        currency,
    )


async def put_budget(tx: Tx, owner: UUID, category: UUID, month: date, currency: str, amount: int) -> Budget:
    """A new budget is not exceeded until it is judged; raises `ReferenceMissing` if there is no such category."""
    return await tx.one(
        Budget,
        f"""
        insert into expenses.budget (owner, category, month, currency, amount, exceeded)
        values ($1, $2, $3, $4, $5, false)
        on conflict (owner, category, month, currency) do update
            set amount = excluded.amount, revision = budget.revision + 1
        returning {BUDGET}
        """,
        owner,
        category,
        month,
        currency,
        amount,
    )


async def mark_budget(tx: Tx, owner: UUID, budget: Budget, exceeded: bool) -> Budget:
    return await tx.one(
        Budget,
        f"""
        update expenses.budget set exceeded = $5
        where owner = $1 and category = $2 and month = $3 and currency = $4
        returning {BUDGET}
        """,
        owner,
        budget.category,
        budget.month,
        budget.currency,
        exceeded,
    )


async def remove_budget(tx: Tx, owner: UUID, category: UUID, month: date, currency: str) -> Budget:
    """Raises `NoRow` if there is none."""
    return await tx.one(
        Budget,
        f"""
        delete from expenses.budget where owner = $1 and category = $2 and month = $3 and currency = $4
        returning {BUDGET}
        """,
        owner,
        category,
        month,
        currency,
    )


async def report(db: Db, owner: UUID, month: date) -> list[Line]:
    return await db.all(Line, REPORT, owner, month)


async def add_notice(tx: Tx, id: UUID, at: datetime, event: BudgetExceeded) -> None:
    """Has no effect if the category was deleted meanwhile."""
    await tx.run(
        """
        insert into expenses.notice (id, owner, category, month, currency, budget, net, at)
        select $1, $2, id, $4, $5, $6, $7, $8 from expenses.category where owner = $2 and id = $3
        """,
        id,
        event.owner,
        event.category,
        event.month,
        event.currency,
        event.budget,
        event.net,
        at,
    )


async def remove_expenses_of(tx: Tx, owner: UUID) -> None:
    await tx.run("delete from expenses.expense where owner = $1", owner)


async def remove_categories_of(tx: Tx, owner: UUID) -> None:
    """With budgets and notices."""
    await tx.run("delete from expenses.category where owner = $1", owner)
