"""Demo data: two people who move house."""

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from apps.people.rows import Joined, Person
from apps.people.seed import plant_person
from apps.tasks import store, tasks
from apps.tasks.rows import NewTask, TaskChange
from apps.tasks.state import State
from headwater import Tx

TO_DO: Final[tuple[tuple[str, State, int, int | None, list[str]], ...]] = (
    ("Give notice on the old flat", "done", 4, -20, ["paper"]),
    ("Order boxes", "doing", 3, -2, ["packing"]),
    ("Pack the kitchen", "open", 2, 5, ["packing", "kitchen"]),
    ("Sell the piano", "cancelled", 1, None, []),
    ("Paint the new hall", "open", 2, 9, ["new flat"]),
    ("Rent a van", "open", 4, 7, []),
)
"""Title, state, priority, days from today until it is due, labels."""


async def plant(tx: Tx) -> str:
    """Fill an empty task manager; returns the text for the start screen."""
    ada, bob = await plant_person(tx), await plant_person(tx, "Bob Ross", "America/New_York")
    owner = _as_asking(ada)
    project = await tasks.add_project(tx, "Move house", owner)
    await store.add_member(tx, project.id, bob.id)
    for place, each in enumerate(TO_DO):
        await _plant_task(tx, project.id, each, owner, assignee=(ada.id, bob.id)[place % 2])
    return f"{ada.name} and {bob.name} move house in {len(TO_DO)} tasks; her key is {ada.key.secret}"


async def _plant_task(
    tx: Tx, project: UUID, given: tuple[str, State, int, int | None, list[str]], owner: Person, assignee: UUID
) -> None:
    title, state, priority, days, labels = given
    due = None if days is None else datetime.now(UTC).date() + timedelta(days=days)
    new = NewTask(title=title, priority=priority, due=due, labels=labels, assignee=assignee)
    task = await tasks.add_task(tx, project, new, owner)
    await tasks.change_task(tx, task, TaskChange(state=state), owner)


def _as_asking(joined: Joined) -> Person:
    return Person(id=str(joined.id), tenant=str(joined.id), time_zone=joined.time_zone)
