"""Files of tasks: added whole or in pieces, listed, shown to those who are in the project, and gone with their task."""

import base64
from typing import Any

from apps.people.testing import Join, Somebody
from apps.tasks.tests.test_tasks import make_project, make_task, share
from headwater.testing import Client, RunningBackend

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
NAMED = {"content-disposition": 'attachment; filename="plan.png"', "content-type": "image/png"}
SPOKEN = {"tus-resumable": "1.0.0"}


async def a_task(person: Somebody) -> str:
    return f"/tasks/{(await make_task(person.client, await make_project(person.client)))['id']}"


async def attach(client: Client, task: str) -> dict[str, Any]:
    added = await client.post(f"{task}/attachments", body=PNG, headers=NAMED)
    assert added.status == 201, added.text
    found: dict[str, Any] = added.json()
    return found


async def test_a_file_is_added_listed_and_shown(join: Join) -> None:
    ada = await join("Ada")
    task = await a_task(ada)
    added = await attach(ada.client, task)
    assert (added["name"], added["media_type"], added["size"], added["added_by"]) == (
        "plan.png",
        "image/png",
        len(PNG),
        ada.id,
    )
    assert (await ada.client.get(f"{task}/attachments")).json()["items"] == [added]
    shown = await ada.client.get(f"{task}/attachments/{added['id']}/file")
    assert (shown.body, shown.headers["content-disposition"]) == (PNG, 'inline; filename="plan.png"')


async def test_a_file_may_come_in_pieces(join: Join) -> None:
    ada = await join("Ada")
    task = await a_task(ada)
    named = base64.b64encode(task.rpartition("/")[2].encode()).decode()
    headers = {**SPOKEN, "upload-length": str(len(PNG)), "upload-metadata": f"task {named},filename cGxhbi5wbmc="}
    address = (await ada.client.post("/attachments", headers=headers)).headers["location"]
    for at in range(0, len(PNG), 5):
        piece = {**SPOKEN, "upload-offset": str(at), "content-type": "application/offset+octet-stream"}
        assert (await ada.client.patch(address, body=PNG[at : at + 5], headers=piece)).status == 204
    (listed,) = (await ada.client.get(f"{task}/attachments")).json()["items"]
    assert (listed["name"], listed["media_type"], listed["size"]) == ("plan.png", "image/png", len(PNG))


async def test_a_file_for_no_task_is_not_taken(join: Join) -> None:
    ada, bob = await join("Ada"), await join("Bob")
    theirs = base64.b64encode((await a_task(bob)).rpartition("/")[2].encode()).decode()
    for metadata in ("", "task eA==", f"task {theirs}"):
        headers = {**SPOKEN, "upload-length": "1", "upload-metadata": metadata, "content-type": "text/plain"}
        address = (await ada.client.post("/attachments", headers=headers)).headers["location"]
        piece = {**SPOKEN, "upload-offset": "0", "content-type": "application/offset+octet-stream"}
        assert (await ada.client.patch(address, body=b"x", headers=piece)).status == 422


async def test_files_are_there_for_those_in_the_project_only(join: Join) -> None:
    ada, bob, eve = await join("Ada"), await join("Bob"), await join("Eve")
    project = await make_project(ada.client)
    await share(project, ada, bob)
    task = f"/tasks/{(await make_task(ada.client, project))['id']}"
    added = await attach(bob.client, task)
    file = f"{task}/attachments/{added['id']}"
    assert (await ada.client.get(f"{file}/file")).status == 200
    assert (await eve.client.get(f"{file}/file")).status == 404
    assert (await eve.client.delete(file)).status == 404
    assert (await eve.client.post(f"{task}/attachments", body=PNG)).status == 404
    assert (await ada.client.delete(file)).status == 204
    assert (await ada.client.get(f"{file}/file")).status == 404


async def test_files_go_with_their_project(backend: RunningBackend, join: Join) -> None:
    ada = await join("Ada")
    project = await make_project(ada.client)
    task = f"/tasks/{(await make_task(ada.client, project))['id']}"
    await attach(ada.client, task)
    assert (await ada.client.delete(f"/projects/{project}")).status == 204
    assert await backend.db.one(int, "select count(*) from headwater.object") == 0
    assert await backend.db.one(int, "select count(*) from headwater.upload where expires_at <= now()") == 1
