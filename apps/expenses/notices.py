"""The consumers: a notice for each exceeded budget, and deleting the data of people who have left."""

from apps.expenses import store
from apps.expenses.app import app
from apps.expenses.rows import BudgetExceeded
from apps.people import PersonLeft
from headwater import Delivery, Tx


@app.on(BudgetExceeded)
async def note_excess(tx: Tx, event: BudgetExceeded, delivery: Delivery) -> None:
    """Add exactly one notice for each event, with the event's id."""
    assert delivery.envelope is not None, "an event of ours has an envelope"
    await store.add_notice(tx, delivery.envelope.id, delivery.envelope.at, event)


@app.on(PersonLeft)
async def forget(tx: Tx, event: PersonLeft) -> None:
    """Delete expenses, then categories; budgets and notices are deleted with these."""
    await store.remove_expenses_of(tx, event.person)
    await store.remove_categories_of(tx, event.person)
