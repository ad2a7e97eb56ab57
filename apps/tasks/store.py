"""SQL, and nothing else: each function is one statement."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from apps.tasks.rows import Attachment, Comment, FieldChange, Member, NewTask, Project, Task, What
from headwater import Db, Tx, Upload, uuid7

PROJECT = "id, name, owner, revision, made_at, changed_at"
TASK = (
    "id, project, title, notes, state, priority, assignee, due, labels, place, revision, made_by, made_at, changed_at,"
    " ended_at"
)
COMMENT = "id, task, author, text, made_at"
ATTACHMENT = "id, task, name, media_type, size, added_by, added_at"
GAP = 1 << 20
OVERDUE = "due < $1 and state in ('open', 'doing')"


async def add_project(tx: Tx, name: str, owner: UUID) -> Project:
    return await tx.one(
        Project,
        f"insert into tasks.project (id, name, owner) values ($1, $2, $3) returning {PROJECT}",
        uuid7(),
        name,
        owner,
    )


async def project(db: Db | Tx, id: UUID, person: UUID) -> Project:
    """A project, for its members only."""
    return await db.one(
        Project,
        f"select {PROJECT} from tasks.project"
        " where id = $1 and exists (select from tasks.member where project = $1 and person = $2)",
        id,
        person,
    )


async def locked_project(tx: Tx, id: UUID, person: UUID) -> Project:
    """The same, locked until the end of the transaction, together with the order of its tasks."""
    return await tx.one(
        Project,
        f"select {PROJECT} from tasks.project"
        " where id = $1 and exists (select from tasks.member where project = $1 and person = $2) for no key update",
        id,
        person,
    )


async def rename_project(tx: Tx, id: UUID, name: str) -> Project:
    return await tx.one(
        Project,
        "update tasks.project set name = $2, revision = revision + 1, changed_at = now()"
        f" where id = $1 returning {PROJECT}",
        id,
        name,
    )


async def remove_project(tx: Tx, id: UUID) -> None:
    """With everything in it."""
    await tx.run("delete from tasks.project where id = $1", id)


async def members(db: Db, project: UUID) -> list[Member]:
    return await db.all(
        Member, "select person, joined_at from tasks.member where project = $1 order by joined_at, person", project
    )


async def add_member(tx: Tx, project: UUID, person: UUID) -> None:
    """Has no effect for a person who is a member already."""
    await tx.run("insert into tasks.member (project, person) values ($1, $2) on conflict do nothing", project, person)


async def remove_member(tx: Tx, project: UUID, person: UUID) -> None:
    await tx.run("delete from tasks.member where project = $1 and person = $2", project, person)


async def unassign(tx: Tx, project: UUID, person: UUID) -> None:
    """Unassign the person's tasks."""
    await tx.run(
        "update tasks.task set assignee = null, revision = revision + 1, changed_at = now()"
        " where project = $1 and assignee = $2",
        project,
        person,
    )


async def add_task(tx: Tx, project: UUID, new: NewTask, person: UUID) -> Task:
    """Add it after all others of its project, which must be locked; `ReferenceMissing` if the assignee is no member."""
    return await tx.one(
        Task,
        "insert into tasks.task (id, project, title, notes, priority, assignee, due, labels, made_by, place)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9,"
        " (select coalesce(max(place), 0) + $10 from tasks.task where project = $2))"
        f" returning {TASK}",
        uuid7(),
        project,
        new.title,
        new.notes,
        new.priority,
        new.assignee,
        new.due,
        new.labels,
        person,
        GAP,
    )


async def task(db: Db | Tx, id: UUID, person: UUID) -> Task:
    """A task, for members of its project only."""
    return await db.one(
        Task,
        f"select {TASK} from tasks.task as t"
        " where id = $1 and exists (select from tasks.member where project = t.project and person = $2)",
        id,
        person,
    )


async def locked_task(tx: Tx, id: UUID, person: UUID) -> Task:
    """The same, locked until the end of the transaction."""
    return await tx.one(
        Task,
        f"select {TASK} from tasks.task as t"
        " where id = $1 and exists (select from tasks.member where project = t.project and person = $2)"
        " for no key update",
        id,
        person,
    )


async def locked_tasks(tx: Tx, project: UUID, ids: Sequence[UUID]) -> list[Task]:
    """The tasks of the project among these, locked in the order of their ids, so that there is no deadlock."""
    return await tx.all(
        Task,
        f"select {TASK} from tasks.task where project = $1 and id = any($2) order by id for no key update",
        project,
        ids,
    )


async def change_task(tx: Tx, task: Task) -> Task:
    """Store the fields of `task`, and increment the revision; `ReferenceMissing` if the assignee is not a member."""
    return await tx.one(
        Task,
        "update tasks.task set title = $2, notes = $3, state = $4, priority = $5, assignee = $6, due = $7, labels = $8,"
        " ended_at = case when $4 in ('done', 'cancelled') then coalesce(ended_at, now()) end,"
        f" revision = revision + 1, changed_at = now() where id = $1 returning {TASK}",
        task.id,
        task.title,
        task.notes,
        task.state,
        task.priority,
        task.assignee,
        task.due,
        task.labels,
    )


async def remove_task(tx: Tx, id: UUID) -> None:
    await tx.run("delete from tasks.task where id = $1", id)


async def place_of(tx: Tx, project: UUID, id: UUID) -> int | None:
    """The rank of a task, or None if the project has no such task."""
    return await tx.maybe(int, "select place from tasks.task where project = $1 and id = $2", project, id)


async def place_behind(tx: Tx, project: UUID, place: int, moving: UUID) -> int | None:
    """The next rank that is taken by another task than the moving one."""
    return await tx.one(
        int | None,  # type: ignore[arg-type]
        "select min(place) from tasks.task where project = $1 and place > $2 and id <> $3",
        project,
        place,
        moving,
    )


async def first_place(tx: Tx, project: UUID, moving: UUID) -> int | None:
    return await tx.one(
        int | None,  # type: ignore[arg-type]
        "select min(place) from tasks.task where project = $1 and id <> $2",
        project,
        moving,
    )


async def move_task(tx: Tx, id: UUID, place: int) -> Task:
    return await tx.one(
        Task,
        f"update tasks.task set place = $2, revision = revision + 1, changed_at = now() where id = $1 returning {TASK}",
        id,
        place,
    )


async def spread(tx: Tx, project: UUID) -> None:
    """Renumber the tasks in their order, with a gap between ranks."""
    await tx.run(
        "update tasks.task as t set place = s.place from"
        " (select id, row_number() over (order by place) * $2::bigint as place from tasks.task where project = $1) as s"
        " where t.id = s.id and t.place <> s.place",
        project,
        GAP,
    )


async def add_comment(tx: Tx, task: UUID, author: UUID, text: str) -> Comment:
    return await tx.one(
        Comment,
        f"insert into tasks.comment (id, task, author, text) values ($1, $2, $3, $4) returning {COMMENT}",
        uuid7(),
        task,
        author,
        text,
    )


async def remove_comment(tx: Tx, task: UUID, id: UUID, author: UUID) -> int:
    """The number of deleted comments: 0 if the author has no such comment."""
    return await tx.run("delete from tasks.comment where task = $1 and id = $2 and author = $3", task, id, author)


async def add_attachment(tx: Tx, task: UUID, upload: Upload, person: UUID) -> Attachment:
    return await tx.one(
        Attachment,
        "insert into tasks.attachment (id, task, object, name, media_type, size, added_by)"
        f" values ($1, $2, $3, $4, $5, $6, $7) returning {ATTACHMENT}",
        uuid7(),
        task,
        upload.id,
        upload.filename or "unnamed",
        upload.media_type,
        upload.size,
        person,
    )


async def object_of(db: Db, task: UUID, id: UUID) -> UUID:
    """The kept object of an attachment."""
    return await db.one(UUID, "select object from tasks.attachment where task = $1 and id = $2", task, id)


async def remove_attachment(tx: Tx, task: UUID, id: UUID) -> int:
    """The number of deleted attachments: 0 if there is none. A trigger discards the object."""
    return await tx.run("delete from tasks.attachment where task = $1 and id = $2", task, id)


async def add_activity(
    tx: Tx,
    id: UUID,
    project: UUID,
    task: UUID,
    actor: UUID,
    what: What,
    title: str,
    changes: list[FieldChange],
    at: datetime,
) -> None:
    """Has no effect if the project was deleted meanwhile."""
    await tx.run(
        "insert into tasks.activity (id, project, task, actor, what, title, changes, at)"
        " select $1, p.id, $3, $4, $5, $6, $7, $8 from tasks.project as p where p.id = $2",
        id,
        project,
        task,
        actor,
        what,
        title,
        changes,
        at,
    )


async def forget_projects(tx: Tx, person: UUID) -> None:
    await tx.run("delete from tasks.project where owner = $1", person)


async def forget_assignments(tx: Tx, person: UUID) -> None:
    await tx.run(
        "update tasks.task set assignee = null, revision = revision + 1, changed_at = now() where assignee = $1", person
    )


async def forget_memberships(tx: Tx, person: UUID) -> None:
    await tx.run("delete from tasks.member where person = $1", person)


async def forget_names(tx: Tx, person: UUID) -> None:
    """Remove the person from what they added, said and did."""
    await tx.run(
        "with made as (update tasks.task set made_by = null where made_by = $1),"
        " said as (update tasks.comment set author = null where author = $1),"
        " gave as (update tasks.attachment set added_by = null where added_by = $1)"
        " update tasks.activity set actor = null where actor = $1",
        person,
    )
