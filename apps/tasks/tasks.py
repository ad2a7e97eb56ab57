"""The rules: who may do what, what a change means, and the order of tasks."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from apps.people import Person
from apps.tasks import store
from apps.tasks.rows import (
    Changes,
    Comment,
    FieldChange,
    NewTask,
    Project,
    Task,
    TaskAdded,
    TaskChange,
    TaskChanged,
    TaskCommented,
    TaskRemoved,
)
from apps.tasks.state import require_way
from headwater import NoRow, Problem, ReferenceMissing, Tx, Upload

SHOWN = 100
"""Characters of a value that the feed shows."""


async def add_project(tx: Tx, name: str, person: Person) -> Project:
    """A project, with its owner as the first member."""
    project = await store.add_project(tx, name, person.uuid)
    await store.add_member(tx, project.id, person.uuid)
    return project


async def lock_project(tx: Tx, id: UUID, person: Person) -> Project:
    """The project to change, locked; a project of others is not found."""
    return await store.locked_project(tx, id, person.uuid)


async def lock_owned(tx: Tx, id: UUID, person: Person) -> Project:
    """The same; raises a `Problem` 403 for a member who is not its owner."""
    project = await store.locked_project(tx, id, person.uuid)
    if project.owner != person.uuid:
        raise Problem(403, detail="Only the owner of the project may do that.")
    return project


async def remove_member(tx: Tx, project: Project, member: UUID, person: Person) -> None:
    """The owner may remove others, and everybody themselves; their tasks are unassigned."""
    if member == project.owner:
        raise Problem(409, detail="The owner cannot leave the project.")
    if person.uuid not in (project.owner, member):
        raise Problem(403, detail="Only the owner of the project may do that.")
    await store.unassign(tx, project.id, member)
    await store.remove_member(tx, project.id, member)


async def add_task(tx: Tx, project: UUID, new: NewTask, person: Person) -> Task:
    """A task after all others of the project."""
    await lock_project(tx, project, person)
    try:
        task = await store.add_task(tx, project, _without_twins(new), person.uuid)
    except ReferenceMissing:
        raise _not_a_member("#/assignee") from None
    tx.emit(TaskAdded(project=project, task=task.id, actor=person.uuid, title=task.title))
    return task


async def lock_task(tx: Tx, id: UUID, person: Person) -> Task:
    """The task to change, locked; a task in a project of others is not found."""
    return await store.locked_task(tx, id, person.uuid)


async def change_task(tx: Tx, task: Task, change: TaskChange, person: Person, *, at: str = "#") -> Task:
    """The changed task; `at` is the JSON pointer of the change in the body.

    A change without an effect makes neither a revision nor an event. Raises a `Problem`: 409 for a state that cannot be
    reached, 422 for an assignee who is not a member of the project.
    """
    wanted = _changed(task, change)
    require_way(task.state, wanted.state)
    changes = list(_differences(task, wanted))
    if not changes:
        return task
    try:
        changed = await store.change_task(tx, wanted)
    except ReferenceMissing:
        raise _not_a_member(f"{at}/assignee") from None
    tx.emit(TaskChanged(project=task.project, task=task.id, actor=person.uuid, title=changed.title, changes=changes))
    return changed


async def change_tasks(tx: Tx, project: UUID, changes: Changes, person: Person) -> list[Task]:
    """Make all changes, in the given order, or none."""
    await store.project(tx, project, person.uuid)
    found = {task.id: task for task in await store.locked_tasks(tx, project, changes.tasks)}
    if missing := [place for place, id in enumerate(changes.tasks) if id not in found]:
        detail = "The project has no such task."
        raise Problem(422, errors=[{"detail": detail, "pointer": f"#/tasks/{place}"} for place in missing])
    changed = {id: await change_task(tx, task, changes.change, person, at="#/change") for id, task in found.items()}
    return [changed[id] for id in dict.fromkeys(changes.tasks)]


async def remove_task(tx: Tx, task: Task, person: Person) -> None:
    """Delete it with its comments; its entries in the feed stay."""
    await store.remove_task(tx, task.id)
    tx.emit(TaskRemoved(project=task.project, task=task.id, actor=person.uuid, title=task.title))


async def move_task(tx: Tx, id: UUID, after: UUID | None, person: Person) -> Task:
    """Move it right after another task of its project, or before all. Others keep their rank unless ranks run out."""
    task = await store.task(tx, id, person.uuid)
    await lock_project(tx, task.project, person)  # concurrent moves wait, so two never take the same rank
    if after == id:
        raise _no_neighbour("A task cannot be moved after itself.")
    place = await _free_place(tx, task, after)
    if place is None:
        await store.spread(tx, task.project)
        place = await _free_place(tx, task, after)
    assert place is not None, "there is a gap after renumbering"
    return await store.move_task(tx, id, place)


async def add_comment(tx: Tx, task: Task, text: str, person: Person) -> Comment:
    comment = await store.add_comment(tx, task.id, person.uuid, text)
    tx.emit(TaskCommented(project=task.project, task=task.id, actor=person.uuid, title=task.title))
    return comment


async def remove_comment(tx: Tx, task: Task, id: UUID, person: Person) -> None:
    """Delete a comment of the person; raises a `Problem` 404 for any other."""
    if not await store.remove_comment(tx, task.id, id, person.uuid):
        raise Problem(404, detail="You have no such comment.")


async def attach(tx: Tx, upload: Upload, person: Person) -> None:
    """Add the file to the task that the upload's metadata names; raises a `Problem` 422."""
    try:
        task = await store.task(tx, UUID(upload.metadata.get("task", "")), person.uuid)
    except (ValueError, NoRow):
        raise Problem(422, detail="The metadata of the upload must name one of your tasks, as `task`.") from None
    await store.add_attachment(tx, task.id, upload, person.uuid)


async def remove_attachment(tx: Tx, task: Task, id: UUID) -> None:
    """Every member of the project may do that; raises a `Problem` 404 if there is no such attachment."""
    if not await store.remove_attachment(tx, task.id, id):
        raise Problem(404, detail="The task has no such attachment.")


async def _free_place(tx: Tx, task: Task, after: UUID | None) -> int | None:
    """A rank between the neighbours; None if there is none left."""
    if after is None:
        following = await store.first_place(tx, task.project, task.id)
        return store.GAP if following is None else following - store.GAP
    before = await store.place_of(tx, task.project, after)
    if before is None:
        raise _no_neighbour("The project has no such task.")
    following = await store.place_behind(tx, task.project, before, task.id)
    if following is None:
        return before + store.GAP
    return (before + following) // 2 if following - before > 1 else None


def _changed(task: Task, change: TaskChange) -> Task:
    given = {field: value for field, value in _fields(change) if value is not msgspec.UNSET}
    if "labels" in given:
        given["labels"] = list(dict.fromkeys(given["labels"]))
    return msgspec.structs.replace(task, **given)


def _differences(before: Task, after: Task) -> Sequence[FieldChange]:
    pairs = [(name, getattr(before, name), getattr(after, name)) for name in TaskChange.__struct_fields__]
    return [FieldChange(field=name, before=_shown(old), after=_shown(new)) for name, old, new in pairs if old != new]


def _fields(change: TaskChange) -> list[tuple[str, Any]]:
    return [(name, getattr(change, name)) for name in TaskChange.__struct_fields__]


def _shown(value: Any) -> str | None:
    if value is None:
        return None
    text = ", ".join(value) if isinstance(value, list) else str(value)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def _without_twins(new: NewTask) -> NewTask:
    return msgspec.structs.replace(new, labels=list(dict.fromkeys(new.labels)))


def _not_a_member(pointer: str) -> Problem:
    return Problem(422, errors=[{"detail": "This person is not a member of the project.", "pointer": pointer}])


def _no_neighbour(detail: str) -> Problem:
    return Problem(422, errors=[{"detail": detail, "pointer": "#/after"}])
