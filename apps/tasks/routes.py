"""HTTP: requests and responses."""

from datetime import datetime
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

from apps.people import Person
from apps.tasks import store, tasks
from apps.tasks.app import app
from apps.tasks.rows import (
    Activity,
    Attachment,
    Changes,
    Comment,
    Member,
    Move,
    NewComment,
    NewProject,
    NewTask,
    Project,
    Task,
    TaskChange,
)
from headwater import Db, Download, Listing, Page, Pages, Tx, Upload

PROJECTS = Pages(Project, table="tasks.membership", within="person", sort=("name", "changed_at"), default="name")
TASKS = Pages(
    Task,
    within="project",
    sort=("place", "due", "priority", "changed_at"),
    filters={
        "state": ("eq", "in"),
        "priority": ("eq", "ge"),
        "assignee": ("eq", "null"),
        "due": ("le", "ge", "null"),
    },
    count=("none", "exact"),
)
MINE = Pages(Task, within="assignee", sort=("due", "priority"), filters={"state": ("eq", "in"), "priority": ("ge",)})
COMMENTS = Pages(Comment, within="task", sort=("made_at",))
ATTACHMENTS = Pages(Attachment, within="task", sort=("added_at",))
ATTACHED_BYTES = 100_000_000
ACTIVITY = Pages(Activity, within="project", sort=("at",), default="-at", filters={"what": ("eq", "in")})


@app.command("POST /projects", status=201, location="/projects/{id}")
async def add_project(tx: Tx, person: Person, new: NewProject) -> Project:
    """Create a project of your own."""
    return await tasks.add_project(tx, new.name, person)


@app.query("GET /projects")
async def list_projects(db: Db, person: Person, page: Annotated[Page, PROJECTS]) -> Listing[Project]:
    """The projects of which you are a member."""
    return await page.read(db, within=[person.uuid])


@app.query("GET /projects/{id}", etag="revision")
async def show_project(db: Db, person: Person, id: UUID) -> Project:
    """A project of which you are a member."""
    return await store.project(db, id, person.uuid)


@app.command("PATCH /projects/{id}", etag="revision", current=tasks.lock_owned)
async def rename_project(tx: Tx, person: Person, id: UUID, new: NewProject) -> Project:
    """Rename a project of your own."""
    await tasks.lock_owned(tx, id, person)
    return await store.rename_project(tx, id, new.name)


@app.command("DELETE /projects/{id}", etag="revision", current=tasks.lock_owned)
async def remove_project(tx: Tx, person: Person, id: UUID) -> None:
    """Delete a project of your own, with everything in it."""
    await tasks.lock_owned(tx, id, person)
    await store.remove_project(tx, id)


@app.query("GET /projects/{id}/members")
async def list_members(db: Db, person: Person, id: UUID) -> list[Member]:
    """The members of a project, in the order in which they joined."""
    await store.project(db, id, person.uuid)
    return await store.members(db, id)


@app.command("PUT /projects/{id}/members/{member}")
async def add_member(tx: Tx, person: Person, id: UUID, member: UUID) -> None:
    """Add a member to a project of your own."""
    await tasks.lock_owned(tx, id, person)
    await store.add_member(tx, id, member)


@app.command("DELETE /projects/{id}/members/{member}")
async def remove_member(tx: Tx, person: Person, id: UUID, member: UUID) -> None:
    """Leave a project, or remove a member from one of your own. Their tasks are unassigned."""
    project = await tasks.lock_project(tx, id, person)
    await tasks.remove_member(tx, project, member, person)


@app.command("POST /projects/{id}/tasks", status=201, location="/tasks/{id}")
async def add_task(tx: Tx, person: Person, id: UUID, new: NewTask) -> Task:
    """Add a task, after all others."""
    return await tasks.add_task(tx, id, new, person)


@app.query("GET /projects/{id}/tasks")
async def list_tasks(
    db: Db, person: Person, id: UUID, page: Annotated[Page, TASKS], label: str | None = None
) -> Listing[Task]:
    """The tasks of a project, by default in their manual order."""
    await store.project(db, id, person.uuid)
    where, arguments = ("labels @> array[$1::text]", [label]) if label is not None else (None, [])
    return await page.read(db, where=where, arguments=arguments, within=[id])


@app.command("POST /projects/{id}/tasks/changes")
async def change_tasks(tx: Tx, person: Person, id: UUID, changes: Changes) -> list[Task]:
    """Change several tasks at once: all of them or none."""
    return await tasks.change_tasks(tx, id, changes, person)


@app.query("GET /projects/{id}/activity")
async def list_activity(db: Db, person: Person, id: UUID, page: Annotated[Page, ACTIVITY]) -> Listing[Activity]:
    """What happened in a project, the newest first. It follows shortly after the commits."""
    await store.project(db, id, person.uuid)
    return await page.read(db, within=[id])


@app.query("GET /tasks")
async def list_mine(db: Db, person: Person, page: Annotated[Page, MINE], overdue: bool = False) -> Listing[Task]:
    """The tasks assigned to you, in all projects; or only those that are overdue in your time zone."""
    if not overdue:
        return await page.read(db, within=[person.uuid])
    today = datetime.now(ZoneInfo(person.time_zone)).date()
    return await page.read(db, where=store.OVERDUE, arguments=[today], within=[person.uuid])


@app.query("GET /tasks/{id}", etag="revision", last_modified="changed_at")
async def show_task(db: Db, person: Person, id: UUID) -> Task:
    """One task of a project of which you are a member."""
    return await store.task(db, id, person.uuid)


@app.command("PATCH /tasks/{id}", etag="revision", last_modified="changed_at", current=tasks.lock_task)
async def change_task(tx: Tx, person: Person, id: UUID, change: TaskChange) -> Task:
    """Change a task. With If-Match no update is lost: 412 means that somebody else has changed it."""
    return await tasks.change_task(tx, await tasks.lock_task(tx, id, person), change, person)


@app.command("DELETE /tasks/{id}", etag="revision", current=tasks.lock_task)
async def remove_task(tx: Tx, person: Person, id: UUID) -> None:
    """Delete a task, with its comments."""
    await tasks.remove_task(tx, await tasks.lock_task(tx, id, person), person)


@app.command("PUT /tasks/{id}/place")
async def move_task(tx: Tx, person: Person, id: UUID, move: Move) -> Task:
    """Move a task after another one, or before all others."""
    return await tasks.move_task(tx, id, move.after, person)


@app.command("POST /tasks/{id}/comments", status=201)
async def add_comment(tx: Tx, person: Person, id: UUID, new: NewComment) -> Comment:
    """Comment on a task."""
    return await tasks.add_comment(tx, await store.task(tx, id, person.uuid), new.text, person)


@app.query("GET /tasks/{id}/comments")
async def list_comments(db: Db, person: Person, id: UUID, page: Annotated[Page, COMMENTS]) -> Listing[Comment]:
    """The comments on a task, the oldest first."""
    await store.task(db, id, person.uuid)
    return await page.read(db, within=[id])


@app.command("DELETE /tasks/{id}/comments/{comment}")
async def remove_comment(tx: Tx, person: Person, id: UUID, comment: UUID) -> None:
    """Delete a comment of yours."""
    await tasks.remove_comment(tx, await store.task(tx, id, person.uuid), comment, person)


@app.command("POST /tasks/{id}/attachments", status=201, upload_limit=ATTACHED_BYTES)
async def add_attachment(tx: Tx, person: Person, id: UUID, upload: Upload) -> Attachment:
    """Add a file to a task: the body of the request, or the file in a form."""
    task = await store.task(tx, id, person.uuid)
    return await store.add_attachment(tx, task.id, upload, person.uuid)


@app.uploads("/attachments", limit=ATTACHED_BYTES)
async def attach(tx: Tx, person: Person, upload: Upload) -> None:
    """Add a file to a task with a resumable upload; its metadata names the task, as `task`."""
    await tasks.attach(tx, upload, person)


@app.query("GET /tasks/{id}/attachments")
async def list_attachments(db: Db, person: Person, id: UUID, page: Annotated[Page, ATTACHMENTS]) -> Listing[Attachment]:
    """The files of a task, the oldest first."""
    await store.task(db, id, person.uuid)
    return await page.read(db, within=[id])


@app.query("GET /tasks/{id}/attachments/{attachment}/file")
async def show_attachment(db: Db, person: Person, id: UUID, attachment: UUID) -> Download:
    """The file itself."""
    await store.task(db, id, person.uuid)
    return Download(await store.object_of(db, id, attachment))


@app.command("DELETE /tasks/{id}/attachments/{attachment}")
async def remove_attachment(tx: Tx, person: Person, id: UUID, attachment: UUID) -> None:
    """Delete a file of a task."""
    await tasks.remove_attachment(tx, await store.task(tx, id, person.uuid), attachment)
