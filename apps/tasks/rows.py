"""Types: rows, request bodies, events."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import UNSET, UnsetType, field

from apps.tasks.state import State
from headwater import Event, Meta, Row

Name = Annotated[str, Meta(min_length=1, max_length=200, examples=["Move house"])]
Title = Annotated[str, Meta(min_length=1, max_length=200, examples=["Order boxes"])]
Notes = Annotated[str, Meta(max_length=20_000)]
Priority = Annotated[int, Meta(ge=1, le=4, description="1 low, 2 normal, 3 high, 4 urgent.")]
Label = Annotated[str, Meta(min_length=1, max_length=40, examples=["kitchen"])]
Labels = Annotated[list[Label], Meta(max_length=20)]
Text = Annotated[str, Meta(min_length=1, max_length=5_000)]
What = Literal["added", "changed", "commented", "removed"]


class Project(Row, table="tasks.project"):
    """A project: tasks that its owner and members share."""

    id: UUID
    name: str
    owner: UUID
    revision: int
    made_at: datetime
    changed_at: datetime


class NewProject(Row, forbid_unknown_fields=True):
    """The name of a new or renamed project."""

    name: Name


class Member(Row, table="tasks.member"):
    """A member of a project, who sees it and works in it."""

    person: UUID
    joined_at: datetime


class Task(Row, table="tasks.task"):
    """A task. `place` is its rank in the order of its project; smaller ranks come first."""

    id: UUID
    project: UUID
    title: str
    notes: str
    state: State
    priority: int
    assignee: UUID | None
    due: date | None
    labels: list[str]
    place: int
    revision: int
    made_by: UUID | None
    made_at: datetime
    changed_at: datetime
    ended_at: datetime | None


class NewTask(Row, forbid_unknown_fields=True):
    """A task to add, after all others."""

    title: Title
    notes: Notes = ""
    priority: Priority = 2
    assignee: UUID | None = None
    due: date | None = None
    labels: Labels = field(default_factory=list)


class TaskChange(Row, forbid_unknown_fields=True):
    """The changes to a task; omitted members stay as they are."""

    title: Title | UnsetType = UNSET
    notes: Notes | UnsetType = UNSET
    state: State | UnsetType = UNSET
    priority: Priority | UnsetType = UNSET
    assignee: UUID | UnsetType | None = UNSET
    due: date | UnsetType | None = UNSET
    labels: Labels | UnsetType = UNSET


class Changes(Row, forbid_unknown_fields=True):
    """Changes to several tasks of a project: all or none are made."""

    tasks: Annotated[list[UUID], Meta(min_length=1, max_length=100)]
    change: TaskChange


class Move(Row, forbid_unknown_fields=True):
    """The new position of a task: right after another one of its project, or with null before all others."""

    after: UUID | None


class Comment(Row, table="tasks.comment"):
    """A comment on a task."""

    id: UUID
    task: UUID
    author: UUID | None
    text: str
    made_at: datetime


class NewComment(Row, forbid_unknown_fields=True):
    """A comment to add."""

    text: Text


class Attachment(Row, table="tasks.attachment"):
    """A file that belongs to a task."""

    id: UUID
    task: UUID
    name: str
    media_type: str
    size: int
    added_by: UUID | None
    added_at: datetime


class FieldChange(Row):
    """A changed field of a task. Long strings are shortened."""

    field: str
    before: str | None
    after: str | None


class Activity(Row, table="tasks.activity"):
    """An entry of the feed: what happened to a task, and who did it."""

    id: UUID
    task: UUID
    actor: UUID | None
    what: What
    title: str
    changes: list[FieldChange]
    at: datetime


class TaskAdded(Event, key="project"):
    project: UUID
    task: UUID
    actor: UUID
    title: str


class TaskChanged(Event, key="project"):
    project: UUID
    task: UUID
    actor: UUID
    title: str
    changes: list[FieldChange]


class TaskCommented(Event, key="project"):
    project: UUID
    task: UUID
    actor: UUID
    title: str


class TaskRemoved(Event, key="project"):
    project: UUID
    task: UUID
    actor: UUID
    title: str
