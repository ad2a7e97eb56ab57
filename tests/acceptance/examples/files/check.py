"""The files of the document are kept, shown, given up, and taken in by tus."""

from headwater.testing import RunningBackend

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"


async def test_the_files_of_the_document(backend: RunningBackend) -> None:
    added = await backend.client.post("/pictures?title=mug", body=PNG)
    assert added.status == 201, added.text
    got = await backend.client.get(f"/pictures/{added.json()['id']}/file")
    assert (got.body, got.headers["content-type"]) == (PNG, "image/png")
    assert got.headers["content-disposition"] == 'inline; filename="mug.png"'
    assert (await backend.client.post("/pictures", body=b"no picture")).status == 415
    assert (await backend.client.delete(f"/pictures/{added.json()['id']}")).status == 204

    spoken = {"tus-resumable": "1.0.0"}
    created = await backend.client.post("/uploads", headers={**spoken, "upload-length": str(len(PNG))})
    bytes_of_it = {**spoken, "upload-offset": "0", "content-type": "application/offset+octet-stream"}
    sent = await backend.client.patch(created.headers["location"], body=PNG, headers=bytes_of_it)
    assert (sent.status, sent.headers["upload-offset"]) == (204, str(len(PNG)))
    assert await backend.db.all(str, "select title from album.picture") == ["untitled"]
