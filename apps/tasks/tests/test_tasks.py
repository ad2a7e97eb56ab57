"""Tasks: made, listed, changed together, moved, commented, and what the feed says of it."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.people.testing import Join, Somebody
from apps.tasks import store
from headwater.testing import Client, RunningBackend


async def make_project(client: Client, name: str = "Move house") -> str:
    made = await client.post("/projects", json={"name": name})
    assert (made.status, made.headers["location"]) == (201, f"/projects/{made.json()['id']}")
    return str(made.json()["id"])


async def make_task(client: Client, project: str, title: str = "Order boxes", **given: Any) -> dict[str, Any]:
    made = await client.post(f"/projects/{project}/tasks", json={"title": title, **given})
    assert made.status == 201, made.text
    return dict(made.json())


async def titles(client: Client, path: str) -> list[str]:
    answer = await client.get(path)
    assert answer.status == 200, answer.text
    return [task["title"] for task in answer.json()["items"]]


async def share(project: str, owner: Somebody, *members: Somebody) -> None:
    for member in members:
        assert (await owner.client.put(f"/projects/{project}/members/{member.id}")).status == 204


async def test_a_task_is_made_with_what_was_said_and_stands_behind_the_others(join: Join) -> None:
    ada = (await join("Ada")).client
    project = await make_project(ada)
    first = await make_task(ada, project, due="2026-12-24", priority=4, labels=["b", "a", "b"])
    second = await make_task(ada, project, "Rent a van")
    assert (first["state"], first["due"], first["priority"], first["labels"]) == ("open", "2026-12-24", 4, ["b", "a"])
    assert first["place"] < second["place"]
    assert await titles(ada, f"/projects/{project}/tasks") == ["Order boxes", "Rent a van"]


async def test_tasks_are_sorted_filtered_and_paged(join: Join) -> None:
    ada = (await join("Ada")).client
    project = await make_project(ada)
    for title, priority, due, labels in (
        ("a", 1, "2026-03-01", ["x"]),
        ("b", 4, None, ["x", "y"]),
        ("c", 2, "2026-01-01", []),
    ):
        await make_task(ada, project, title, priority=priority, due=due, labels=labels)
    path = f"/projects/{project}/tasks"
    assert await titles(ada, f"{path}?sort=-priority") == ["b", "c", "a"]
    assert await titles(ada, f"{path}?sort=due") == ["c", "a", "b"]
    assert await titles(ada, f"{path}?label=x") == ["a", "b"]
    assert await titles(ada, f"{path}?priority[ge]=2&due[null]=false") == ["c"]
    first = (await ada.get(f"{path}?limit=2&count=exact")).json()
    assert ([task["title"] for task in first["items"]], first["count"]) == (["a", "b"], 3)
    assert await titles(ada, f"{path}?limit=2&cursor={first['next']}") == ["c"]


async def test_a_cursor_of_one_project_opens_no_other(join: Join) -> None:
    ada = (await join("Ada")).client
    one, other = await make_project(ada), await make_project(ada)
    for project in (one, one, other):
        await make_task(ada, project)
    cursor = (await ada.get(f"/projects/{one}/tasks?limit=1")).json()["next"]
    assert (await ada.get(f"/projects/{other}/tasks?limit=1&cursor={cursor}")).status == 400


async def test_what_is_overdue_is_so_by_the_day_of_the_person(join: Join) -> None:
    far_east, far_west = await join("Kiri", "Pacific/Kiritimati"), await join("Baker", "Etc/GMT+12")
    today = datetime.now(ZoneInfo("Pacific/Kiritimati")).date() - timedelta(days=1)  # always over there, never yet here
    for somebody in (far_east, far_west):
        project = await make_project(somebody.client)
        for title, due in (("due", today), ("later", today + timedelta(days=5)), ("whenever", None)):
            await make_task(somebody.client, project, title, due=due, assignee=somebody.id)
        over = await make_task(somebody.client, project, "over", due=today, assignee=somebody.id)
        await somebody.client.patch(f"/tasks/{over['id']}", json={"state": "done"})
    assert await titles(far_east.client, "/tasks?overdue=true") == ["due"]
    assert await titles(far_west.client, "/tasks?overdue=true") == []
    assert await titles(far_west.client, "/tasks?state=open") == ["due", "later", "whenever"]


async def test_of_two_edits_of_one_revision_the_second_is_refused(join: Join) -> None:
    ada = (await join("Ada")).client
    path = f"/tasks/{(await make_task(ada, await make_project(ada)))['id']}"
    etag = (await ada.get(path)).headers["etag"]
    edits = [ada.patch(path, json={"title": f"edit {n}"}, headers={"If-Match": etag}) for n in range(5)]
    answers = await asyncio.gather(*edits)
    assert sorted(answer.status for answer in answers) == [200, 412, 412, 412, 412]
    (kept,) = (answer for answer in answers if answer.status == 200)
    assert (await ada.get(path)).json()["title"] == kept.json()["title"]
    assert (await ada.get(path, headers={"If-None-Match": kept.headers["etag"]})).status == 304


async def test_edits_of_different_fields_at_once_are_all_kept(join: Join) -> None:
    ada = (await join("Ada")).client
    path = f"/tasks/{(await make_task(ada, await make_project(ada)))['id']}"
    edits = ({"title": "Buy boxes"}, {"priority": 4}, {"state": "doing"}, {"labels": ["now"]}, {"due": "2026-12-24"})
    await asyncio.gather(*(ada.patch(path, json=edit) for edit in edits))
    task = (await ada.get(path)).json()
    assert {name: task[name] for edit in edits for name in edit} == {k: v for edit in edits for k, v in edit.items()}
    assert task["revision"] == 6


async def test_what_changes_nothing_is_no_revision(join: Join) -> None:
    ada = (await join("Ada")).client
    path = f"/tasks/{(await make_task(ada, await make_project(ada)))['id']}"
    assert (await ada.patch(path, json={"state": "open", "title": "Order boxes"})).json()["revision"] == 1


async def test_many_tasks_are_changed_together_or_not_at_all(join: Join) -> None:
    ada = (await join("Ada")).client
    project = await make_project(ada)
    ids = [(await make_task(ada, project, str(n)))["id"] for n in range(3)]
    changed = await ada.post(f"/projects/{project}/tasks/changes", json={"tasks": ids, "change": {"state": "done"}})
    assert [(task["id"], task["state"]) for task in changed.json()] == [(id, "done") for id in ids]
    await ada.patch(f"/tasks/{ids[2]}", json={"state": "open"})
    refused = await ada.post(
        f"/projects/{project}/tasks/changes", json={"tasks": ids[::-1], "change": {"state": "doing"}}
    )
    assert refused.status == 409
    states = [(await ada.get(f"/tasks/{id}")).json()["state"] for id in ids]
    assert states == ["done", "done", "open"]


async def test_a_change_of_many_points_at_tasks_that_are_not_of_the_project(join: Join) -> None:
    ada = (await join("Ada")).client
    project, other = await make_project(ada), await make_project(ada)
    here, there = (await make_task(ada, project))["id"], (await make_task(ada, other))["id"]
    body = {"tasks": [here, there], "change": {"priority": 4}}
    refused = await ada.post(f"/projects/{project}/tasks/changes", json=body)
    assert (refused.status, [fault["pointer"] for fault in refused.json()["errors"]]) == (422, ["#/tasks/1"])
    assert (await ada.get(f"/tasks/{here}")).json()["priority"] == 2


async def test_who_is_not_in_the_project_is_assigned_nothing(join: Join) -> None:
    ada, bob = await join("Ada"), await join("Bob")
    project = await make_project(ada.client)
    refused = await ada.client.post(f"/projects/{project}/tasks", json={"title": "x", "assignee": bob.id})
    assert (refused.status, refused.json()["errors"][0]["pointer"]) == (422, "#/assignee")
    await share(project, ada, bob)
    task = await make_task(ada.client, project, assignee=bob.id)
    assert (await bob.client.delete(f"/projects/{project}/members/{bob.id}")).status == 204
    assert (await ada.client.get(f"/tasks/{task['id']}")).json()["assignee"] is None
    assert (await bob.client.get(f"/tasks/{task['id']}")).status == 404


async def test_members_work_and_only_the_owner_decides_who_is_one(join: Join) -> None:
    ada, bob, eve = await join("Ada"), await join("Bob"), await join("Eve")
    project = await make_project(ada.client)
    await share(project, ada, bob)
    await make_task(bob.client, project)
    assert (await bob.client.put(f"/projects/{project}/members/{eve.id}")).status == 403
    assert (await bob.client.delete(f"/projects/{project}")).status == 403
    assert (await bob.client.delete(f"/projects/{project}/members/{ada.id}")).status == 409
    assert [member["person"] for member in (await bob.client.get(f"/projects/{project}/members")).json()] == [
        ada.id,
        bob.id,
    ]


async def move(client: Client, id: str, after: str | None) -> None:
    moved = await client.put(f"/tasks/{id}/place", json={"after": after})
    assert moved.status == 200, moved.text


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=st.lists(st.tuples(st.integers(0, 4), st.integers(-1, 4)), max_size=8))
async def test_however_tasks_are_moved_they_stand_as_in_a_list(join: Join, moves: list[tuple[int, int]]) -> None:
    ada = (await join("Ada")).client
    project = await make_project(ada)
    ids = [(await make_task(ada, project, str(n)))["id"] for n in range(5)]
    expected = list(range(5))
    for task, after in moves:
        if task != after:
            await move(ada, ids[task], None if after < 0 else ids[after])
            expected.remove(task)
            expected.insert(0 if after < 0 else expected.index(after) + 1, task)
    assert await titles(ada, f"/projects/{project}/tasks") == [str(n) for n in expected]


async def test_when_room_between_tasks_has_run_out_it_is_made(join: Join, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "GAP", 2)
    ada = (await join("Ada")).client
    project = await make_project(ada)
    ids = [(await make_task(ada, project, str(n)))["id"] for n in range(4)]
    for mover in (3, 2, 3, 2):
        await move(ada, ids[mover], ids[0])
    assert await titles(ada, f"/projects/{project}/tasks") == ["0", "2", "3", "1"]


async def test_tasks_moved_at_once_never_take_one_place(join: Join, backend: RunningBackend) -> None:
    ada = (await join("Ada")).client
    project = await make_project(ada)
    ids = [(await make_task(ada, project, str(n)))["id"] for n in range(8)]
    await asyncio.gather(*(move(ada, id, ids[0]) for id in ids[1:]))
    assert await backend.db.one(int, "select count(distinct place) from tasks.task") == 8
    assert (await titles(ada, f"/projects/{project}/tasks"))[0] == "0"


async def test_the_feed_tells_what_happened_in_order_and_by_whom(backend: RunningBackend, join: Join) -> None:
    ada, bob = await join("Ada"), await join("Bob")
    project = await make_project(ada.client)
    await share(project, ada, bob)
    task = await make_task(ada.client, project)
    await bob.client.patch(f"/tasks/{task['id']}", json={"state": "doing", "notes": "x" * 500})
    await bob.client.post(f"/tasks/{task['id']}/comments", json={"text": "On it"})
    await ada.client.patch(f"/tasks/{task['id']}", json={"state": "cancelled"})
    await ada.client.patch(f"/tasks/{task['id']}", json={"state": "doing"})  # refused, so it did not happen
    await ada.client.delete(f"/tasks/{task['id']}")
    await backend.settle()
    feed = (await ada.client.get(f"/projects/{project}/activity?sort=at")).json()["items"]
    assert [(each["what"], each["actor"]) for each in feed] == [
        ("added", ada.id),
        ("changed", bob.id),
        ("commented", bob.id),
        ("changed", ada.id),
        ("removed", ada.id),
    ]
    notes, state = feed[1]["changes"]
    assert (state, len(notes["after"])) == ({"field": "state", "before": "open", "after": "doing"}, 100)


async def test_comments_are_taken_back_by_who_made_them(join: Join) -> None:
    ada, bob = await join("Ada"), await join("Bob")
    project = await make_project(ada.client)
    await share(project, ada, bob)
    path = f"/tasks/{(await make_task(ada.client, project))['id']}/comments"
    comment = (await bob.client.post(path, json={"text": "On it"})).json()
    assert (await ada.client.delete(f"{path}/{comment['id']}")).status == 404
    assert [each["text"] for each in (await ada.client.get(path)).json()["items"]] == ["On it"]
    assert (await bob.client.delete(f"{path}/{comment['id']}")).status == 204


async def test_who_has_left_is_forgotten_and_their_work_is_somebodys(backend: RunningBackend, join: Join) -> None:
    ada, bob = await join("Ada"), await join("Bob")
    shared, own = await make_project(ada.client), await make_project(bob.client)
    await share(shared, ada, bob)
    task = await make_task(bob.client, shared, assignee=bob.id)
    await bob.client.post(f"/tasks/{task['id']}/comments", json={"text": "On it"})
    await bob.client.delete("/people/me")
    await backend.settle()
    left = (await ada.client.get(f"/tasks/{task['id']}")).json()
    assert (left["assignee"], left["made_by"]) == (None, None)
    assert (await ada.client.get(f"/tasks/{task['id']}/comments")).json()["items"][0]["author"] is None
    assert await backend.db.all(str, "select id::text from tasks.project where id::text = $1", own) == []


async def test_a_project_goes_with_all_that_is_in_it(backend: RunningBackend, join: Join) -> None:
    ada, bob = await join("Ada"), await join("Bob")
    for owner, other in ((ada, bob), (bob, ada)):
        project = await make_project(owner.client)
        await share(project, owner, other)
        task = await make_task(other.client, project, assignee=other.id)
        await other.client.post(f"/tasks/{task['id']}/comments", json={"text": "On it"})
        await backend.settle()
        gone = owner.client.delete(f"/projects/{project}") if owner is ada else owner.client.delete("/people/me")
        assert (await gone).status == 204
        await backend.settle()
        assert (await other.client.get(f"/tasks/{task['id']}")).status == 404
    left = "select (select count(*) from tasks.task) + (select count(*) from tasks.activity)"
    assert await backend.db.one(int, left) == 0


async def test_the_demo_data_has_something_overdue(backend: RunningBackend) -> None:
    said = await backend.seed()
    assert said is not None
    headers = {"Authorization": f"Bearer {said.rpartition(' ')[2]}"}
    assert (await backend.client.get("/projects", headers=headers)).json()["items"][0]["name"] == "Move house"
    late = (await backend.client.get("/tasks", headers=headers)).json()["items"]
    assert late[0]["due"] < datetime.now(UTC).date().isoformat()
