"""What follows from the log: the feed is kept, and who has left is forgotten."""

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
    """Write down what happened, in the order in which it did, project by project."""
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
    """Their own projects go; in those of others, what they made stays as somebody's."""
    await store.forget_projects(tx, left.person)
    await store.forget_assignments(tx, left.person)
    await store.forget_memberships(tx, left.person)
    await store.forget_names(tx, left.person)
