"""Demo data: a person with two months of plausible expenses."""

import random
from datetime import UTC, datetime, timedelta

from apps.expenses import budgets, store
from apps.expenses.money import Currency
from apps.expenses.month import first_day
from apps.expenses.rows import NewExpense
from apps.people.seed import plant_person
from headwater import Tx

DAYS = 60
EURO = Currency("EUR")
PLAN = {"Groceries": (40_000, 1_500, 9_000), "Rent": (95_000, 95_000, 95_000), "Travel": (20_000, 2_000, 12_000)}
"""Budget of a month, smallest and largest expense, in cents."""


async def plant(tx: Tx) -> str:
    """Add the demo data; returns the text for the start screen, with the API key."""
    joined = await plant_person(tx)
    chance, now = random.Random(7), datetime.now(UTC)
    for name, (budget, least, most) in PLAN.items():
        category = await store.add_category(tx, joined.id, name)
        for day in range(DAYS, 0, -30 if least == most else -3):
            spent = NewExpense(
                category=category.id,
                amount=chance.randint(least, most),
                currency=EURO,
                at=now - timedelta(days=day),
            )
            await store.add_expense(tx, joined.id, joined.time_zone, spent)
        month = first_day(f"{now:%Y-%m}")
        put = await store.put_budget(tx, joined.id, category.id, month, EURO.value, budget)
        await budgets.judge(tx, joined.id, put)
    return f"{joined.name} has two months of expenses; her key is {joined.key.secret}"
