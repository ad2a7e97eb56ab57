"""An upload is its owner's; to everybody else it is not there."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from headwater import App, Backend, Bearer, Db, Principal, Problem, Row, Tx, Upload
from headwater.testing.client import Reply
from headwater.testing.running import RunningBackend
from tests.integration.files.sending import PNG, send

app = App("album", migrations="migrations")
SPOKEN = {"tus-resumable": "1.0.0"}


class Owned(Row):
    id: UUID
    title: str


@app.uploads("/uploads", scopes=("files:write",))
async def attach(tx: Tx, principal: Principal, upload: Upload) -> None:
    """Keep a file of one's own."""
    await tx.run("insert into album.picture (title, object) values ($1, $2)", principal.id, upload.id)


@app.command("POST /files", status=201)
async def add_file(tx: Tx, principal: Principal, upload: Upload) -> Owned:
    """Keep a file of one's own."""
    sql = "insert into album.picture (title, object) values ($1, $2) returning id, title"
    return await tx.one(Owned, sql, principal.id, upload.id)


async def find(db: Db, secret: str) -> Principal | None:
    scopes = () if secret == "reader" else ("files:write",)
    tenant = {"ann": "one", "namesake": "two"}.get(secret)
    name = "ann" if secret == "namesake" else secret
    return Principal(id=name, tenant=tenant, scopes=scopes) if secret != "nobody" else None


@pytest.fixture
def album_of() -> Backend:
    return Backend(app, identify=Bearer(find))


pytestmark = pytest.mark.parametrize("store", ["folder"], indirect=True)


def as_(who: str) -> dict[str, str]:
    return {**SPOKEN, "authorization": f"Bearer {who}"}


async def create(album: RunningBackend, who: str) -> str:
    created = await album.client.post("/uploads", headers={**as_(who), "upload-length": str(len(PNG))})
    assert created.status == 201, created.text
    return created.headers["location"]


async def append(album: RunningBackend, address: str, who: str) -> Reply:
    headers = {**as_(who), "upload-offset": "0", "content-type": "application/offset+octet-stream"}
    return await album.client.patch(address, body=PNG, headers=headers)


async def test_the_owner_finishes_and_the_handler_knows_who(album: RunningBackend) -> None:
    address = await create(album, "ann")
    assert (await append(album, address, "ann")).status == 204
    assert await album.db.all(str, "select title from album.picture") == ["ann"]


@pytest.mark.parametrize("other", ["ben", "namesake"])
async def test_to_others_it_is_not_there(album: RunningBackend, other: str) -> None:
    address = await create(album, "ann")
    assert (await album.client.head(address, headers=as_(other))).status == 404
    assert (await append(album, address, other)).status == 404
    assert (await album.client.delete(address, headers=as_(other))).status == 404
    assert (await album.client.head(address, headers=as_("ann"))).status == 200


async def test_nobody_is_asked_who_he_is_and_whoever_may_not_is_told_so(album: RunningBackend) -> None:
    address = await create(album, "ann")
    for refused in (
        await album.client.post("/uploads", headers={**SPOKEN, "upload-length": "5"}),
        await album.client.head(address, headers=SPOKEN),
        await album.client.delete(address, headers=as_("nobody")),
    ):
        assert refused.status == 401
        assert "www-authenticate" in refused.headers
    assert (await append(album, address, "reader")).status == 403
    assert (await album.client.options("/uploads")).status == 204


async def test_nobody_uploads_a_byte_before_it_is_known_who_he_is(album: RunningBackend) -> None:
    async def untouched() -> AsyncIterator[bytes]:
        raise Problem(500, detail="the body is not asked for")
        yield b""

    assert (await send(album, "POST", "/files", untouched())).status == 401
    assert await album.db.one(int, "select count(*) from headwater.upload") == 0
