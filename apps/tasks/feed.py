"""The consumers: keep the feed, delete the data of people who have left."""

from typing import Final

from apps.people import PersonLeft
from apps.tasks import store
from apps.tasks.app import app
from apps.tasks.rows import TaskAdded, TaskChanged, TaskCommented, TaskRemoved, What
from headwater import Delivery, Event, Tx

Happened = TaskAdded | TaskChanged | TaskCommented | TaskRemoved

WHAT: Final[dict[type[Event], What]] = {
    TaskAdded: "added",
    TaskChanged: "changed",
    TaskCommented: "commented",
    TaskRemoved: "removed",
}


@app.on(TaskAdded, TaskChanged, TaskCommented, TaskRemoved)
async def keep_feed(tx: Tx, event: Happened, delivery: Delivery) -> None:
    """Record what happened, in order per project."""
    assert delivery.envelope is not None
    await store.add_activity(
        tx,
        delivery.envelope.id,
        event.project,
        event.task,
        event.actor,
        WHAT[type(event)],
        event.title,
        event.changes if isinstance(event, TaskChanged) else [],
        delivery.envelope.at,
    )


@app.on(PersonLeft)
async def forget_person(tx: Tx, left: PersonLeft) -> None:
    """Delete their own projects; what they added to those of others stays, without their name."""
    await store.forget_projects(tx, left.person)
    await store.forget_assignments(tx, left.person)
    await store.forget_memberships(tx, left.person)
    await store.forget_names(tx, left.person)
