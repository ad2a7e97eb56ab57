"""Two people, and every operation of the document: what is one's is not there for the other."""

import re
from typing import Any, Final
from uuid import uuid4

from apps.people.testing import Join, Somebody, operations
from apps.tasks.tests.test_attachments import NAMED, PNG, attach
from apps.tasks.tests.test_tasks import make_project, make_task
from headwater.testing import RunningBackend

OPEN: Final = {("POST", "/people")}
"""For whoever comes."""
BY_PIECES: Final = "/attachments"
"""Resumable uploads; whose they are is for the platform's own tests (tests/integration/http/tus)."""


async def test_what_is_ones_own_is_not_there_for_another(backend: RunningBackend, join: Join) -> None:
    ada, eve = await join("Ada"), await join("Eve")
    names = await everything_of(ada)
    before = await snapshot(backend)
    tried = 0
    for method, path in operations(backend):
        if "{" not in path or path.startswith(BY_PIECES):
            continue
        answer = await ask(eve, method, path, names)
        assert (method, path, answer.status) == (method, path, 404), answer.text
        tried += 1
    assert tried >= 20
    assert await snapshot(backend) == before


async def test_lists_of_ones_own_show_nothing_of_anothers(backend: RunningBackend, join: Join) -> None:
    ada, eve = await join("Ada"), await join("Eve")
    await everything_of(ada)
    lists = [path for method, path in operations(backend) if method == "GET" and "{" not in path]
    shown = [(await eve.client.get(path)).json() for path in lists if path not in ("/people/me", "/people/me/keys")]
    assert shown
    assert all(each["items"] == [] for each in shown)


async def test_nothing_is_shown_to_nobody(backend: RunningBackend) -> None:
    for method, path in operations(backend):
        if (method, path) not in OPEN:
            answer = await backend.client.request(method, re.sub(r"\{\w+\}", str(uuid4()), path))
            assert (method, path, answer.status) == (method, path, 401), answer.text


async def test_a_task_of_anothers_project_is_not_changed_through_ones_own(join: Join) -> None:
    ada, eve = await join("Ada"), await join("Eve")
    theirs = await make_task(ada.client, await make_project(ada.client))
    own = await make_project(eve.client)
    mine = await make_task(eve.client, own)
    changes = {"tasks": [mine["id"], theirs["id"]], "change": {"state": "done"}}
    assert (await eve.client.post(f"/projects/{own}/tasks/changes", json=changes)).status == 422
    assert (await eve.client.put(f"/tasks/{mine['id']}/place", json={"after": theirs["id"]})).status == 422


async def everything_of(person: Somebody) -> dict[str, str]:
    """One of each thing that a path can name, by the parameter's name and, for `id`, by the path's first segment."""
    project = await make_project(person.client)
    task = (await make_task(person.client, project, assignee=person.id))["id"]
    comment = (await person.client.post(f"/tasks/{task}/comments", json={"text": "Mine"})).json()["id"]
    attachment = (await attach(person.client, f"/tasks/{task}"))["id"]
    key = (await person.client.get("/people/me/keys")).json()[0]["id"]
    found = {"projects": project, "tasks": task, "people": key}
    return {**found, "comment": comment, "attachment": attachment, "member": person.id}


async def ask(person: Somebody, method: str, path: str, names: dict[str, str]) -> Any:
    """An operation with what the other one has, and a body that would do."""
    target = path.format(**{**names, "id": names[path.split("/")[1]]})
    if path.endswith("/attachments") and method == "POST":
        return await person.client.post(target, body=PNG, headers=NAMED)
    body = BODIES.get((method, path))
    if callable(body):
        body = body(names)
    return await (person.client.request(method, target, json=body) if body else person.client.request(method, target))


BODIES: Final[dict[tuple[str, str], Any]] = {
    ("PATCH", "/projects/{id}"): {"name": "Mine now"},
    ("POST", "/projects/{id}/tasks"): {"title": "Mine now"},
    ("POST", "/projects/{id}/tasks/changes"): lambda names: {"tasks": [names["tasks"]], "change": {"state": "done"}},
    ("PATCH", "/tasks/{id}"): {"title": "Mine now"},
    ("PUT", "/tasks/{id}/place"): {"after": None},
    ("POST", "/tasks/{id}/comments"): {"text": "Mine now"},
}


async def snapshot(backend: RunningBackend) -> list[str]:
    """All that is stored of projects and of keys."""
    tables = ("tasks.project", "tasks.member", "tasks.task", "tasks.comment", "people.key")
    return [
        row for table in tables for row in await backend.db.all(str, f"select t::text from {table} as t order by 1")
    ]
