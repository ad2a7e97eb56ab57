"""What follows from the log: an exceeded budget leaves a notice, and a person who has left leaves nothing."""

from apps.expenses import store
from apps.expenses.app import app
from apps.expenses.rows import BudgetExceeded
from apps.people import PersonLeft
from headwater import Delivery, Tx


@app.on(BudgetExceeded)
async def note_excess(tx: Tx, event: BudgetExceeded, delivery: Delivery) -> None:
    """Exactly one notice for each event, which has the event's identifier."""
    assert delivery.envelope is not None, "an event of ours has an envelope"
    await store.add_notice(tx, delivery.envelope.id, delivery.envelope.at, event)


@app.on(PersonLeft)
async def forget(tx: Tx, event: PersonLeft) -> None:
    """What was spent goes before what it was spent on; budgets and notices go with that."""
    await store.remove_expenses_of(tx, event.person)
    await store.remove_categories_of(tx, event.person)
