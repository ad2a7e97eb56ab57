"""The tasks of the document are protected as it says."""

import asyncio
from uuid import UUID

from headwater.testing import RunningBackend

URL = f"/tasks/{UUID(int=1)}"


async def test_the_tasks_of_the_document(backend: RunningBackend) -> None:
    client = backend.client
    created = [
        await client.put(URL, json={"title": title}, headers={"If-None-Match": "*"}) for title in ("first", "again")
    ]
    assert [reply.status for reply in created] == [200, 412]
    etag = (await client.get(URL)).headers["etag"]
    assert etag == created[0].headers["etag"] == '"1"'
    changes = await asyncio.gather(
        *(client.patch(URL, json={"title": title}, headers={"If-Match": etag}) for title in ("ann", "bob"))
    )
    assert sorted(reply.status for reply in changes) == [200, 412]
    assert (await client.get(URL)).headers["etag"] == '"2"'
    assert (await client.patch(URL, json={"title": "eve"})).status == 428
    assert (await client.delete(URL, headers={"If-Match": '"1"'})).status == 412
    assert (await client.delete(URL, headers={"If-Match": '"2"'})).status == 204
    assert (await client.patch(URL, json={"title": "eve"}, headers={"If-Match": '"2"'})).status == 404
    assert (await client.put(URL, json={"title": "eve"}, headers={"If-Match": '"2"'})).status == 412
