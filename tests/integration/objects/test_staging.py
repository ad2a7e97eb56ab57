"""Bytes become part of a commit, or are swept; there is nothing in between."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from headwater.commit import Committer, Origin
from headwater.db import Db, Pool, StillReferenced, platform_source
from headwater.objects import NoObject, Objects, UploadExpired
from headwater.objects.kept import find, keep
from headwater.objects.parts import StoredPart, prefix_of
from headwater.objects.staging import Staging, stream_parts
from headwater.objects.sweep import sweep
from headwater.testing.databases import Databases

ORIGIN = Origin(app="tests", command="keep")
DAY = timedelta(days=1)


class World:
    """A database and a store."""

    def __init__(self, pool: Pool, objects: Objects) -> None:
        self.db = Db(pool)
        self.objects = objects
        self.committer = Committer(pool, keep=DAY)
        self.staging = Staging(self.db, objects, DAY)

    async def upload(self, *contents: bytes) -> tuple[UUID, list[StoredPart]]:
        id, parts, at = await self.staging.begin(), [], 0
        for content in contents:
            parts.append(await self.staging.put(id, content, at))
            at += len(content)
        return id, parts

    async def keep(self, id: UUID, parts: list[StoredPart]) -> None:
        async with self.committer.transaction(ORIGIN) as tx:
            size = sum(part.size for part in parts)
            await keep(tx, id, parts, size=size, media_type="text/plain", sha256=None, filename="a.txt")

    async def discard(self, id: UUID, failing: Exception | None = None) -> None:
        async with self.committer.transaction(ORIGIN) as tx:
            await self.objects.discard(tx, id)
            if failing is not None:
                raise failing

    async def expire(self, id: UUID) -> None:
        async with self.committer.transaction(ORIGIN) as tx:
            await tx.run("update headwater.upload set expires_at = now() - interval '1 s' where id = $1", id)

    async def keys(self, id: UUID) -> list[str]:
        return [found.key async for found in self.objects.list(prefix_of(id))]


Worlds = Callable[[], AbstractAsyncContextManager[World]]


@pytest.fixture
def world(headwater_databases: Databases, objects: Objects) -> Worlds:
    @asynccontextmanager
    async def made() -> AsyncIterator[World]:
        async with headwater_databases.database([platform_source()]) as url:
            pool = await Pool.open(url, size=4, application_name="tests")
            try:
                yield World(pool, objects)
            finally:
                await pool.close()

    return made


async def test_what_is_kept_is_found_and_read_across_its_parts(world: Worlds) -> None:
    async with world() as at:
        id, parts = await at.upload(b"0123", b"4567", b"89")
        await at.keep(id, parts)
        found = await find(at.db, id)
        assert found is not None
        assert (found.size, found.media_type, found.filename, found.parts) == (10, "text/plain", "a.txt", parts)
        read = [piece async for piece in stream_parts(at.objects, id, found.parts, 2, 9)]
        assert b"".join(read) == b"2345678"


async def test_what_is_kept_is_not_swept(world: Worlds) -> None:
    async with world() as at:
        id, parts = await at.upload(b"hello")
        await at.keep(id, parts)
        assert await sweep(at.committer, at.objects, datetime.now(UTC)) == 0
        assert len(await at.keys(id)) == 1


async def test_what_nobody_kept_in_time_is_swept_with_its_record(world: Worlds) -> None:
    async with world() as at:
        late, _ = await at.upload(b"late", b"later")
        young, _ = await at.upload(b"young")
        await at.expire(late)
        assert await sweep(at.committer, at.objects, datetime.now(UTC)) == 1
        assert await at.keys(late) == []
        assert await at.db.all(UUID, "select id from headwater.upload") == [young]


async def test_a_command_that_comes_after_the_sweeper_fails_and_commits_nothing(world: Worlds) -> None:
    async with world() as at:
        id, parts = await at.upload(b"hello")
        await at.expire(id)
        await sweep(at.committer, at.objects, datetime.now(UTC))
        with pytest.raises(UploadExpired):
            await at.keep(id, parts)
        assert await find(at.db, id) is None


async def test_the_sweeper_passes_over_what_is_being_committed(world: Worlds) -> None:
    async with world() as at:
        id, parts = await at.upload(b"hello")
        await at.expire(id)
        async with at.committer.transaction(ORIGIN) as tx:
            await keep(tx, id, parts, size=5, media_type="text/plain", sha256=None, filename=None)
            assert await sweep(at.committer, at.objects, datetime.now(UTC)) == 0
        assert len(await at.keys(id)) == 1
        assert await find(at.db, id) is not None


async def test_an_upload_that_is_dropped_is_gone_at_once_unless_it_was_kept(world: Worlds) -> None:
    async with world() as at:
        dropped, _ = await at.upload(b"hello")
        kept, parts = await at.upload(b"hello")
        await at.keep(kept, parts)
        await at.staging.drop(dropped)
        await at.staging.drop(kept)
        assert await at.keys(dropped) == []
        assert len(await at.keys(kept)) == 1


async def test_what_is_discarded_is_swept_only_once_that_is_committed(world: Worlds) -> None:
    async with world() as at:
        id, parts = await at.upload(b"hello")
        await at.keep(id, parts)
        with pytest.raises(ValueError, match="changed its mind"):
            await at.discard(id, ValueError("changed its mind"))
        assert await find(at.db, id) is not None
        await at.discard(id)
        assert len(await at.keys(id)) == 1
        assert await sweep(at.committer, at.objects, datetime.now(UTC)) == 1
        assert await at.keys(id) == []


async def test_what_a_row_refers_to_cannot_be_discarded(world: Worlds) -> None:
    async with world() as at:
        id, parts = await at.upload(b"hello")
        await at.keep(id, parts)
        async with at.committer.transaction(ORIGIN) as tx:
            await tx.run("create table public.note (object uuid references headwater.object)")
            await tx.run("insert into public.note values ($1)", id)
        with pytest.raises(StillReferenced):
            await at.discard(id)
        assert await find(at.db, id) is not None


async def test_discarding_what_is_not_there_is_an_error(world: Worlds) -> None:
    async with world() as at:
        with pytest.raises(NoObject):
            await at.discard(uuid4())


async def test_a_row_that_goes_takes_its_object_with_it_unless_another_refers_to_it(world: Worlds) -> None:
    async with world() as at:
        id, parts = await at.upload(b"hello")
        await at.keep(id, parts)
        async with at.committer.transaction(ORIGIN) as tx:
            await tx.run("create table public.note (number int, object uuid references headwater.object)")
            await tx.run(
                "create trigger note_discard after delete on public.note"
                " for each row execute function headwater.discard_object('object')"
            )
            await tx.run("insert into public.note values (1, $1), (2, $1), (3, null)", id)
        for number, left in ((1, 1), (3, 1), (2, 0)):
            async with at.committer.transaction(ORIGIN) as tx:
                await tx.run("delete from public.note where number = $1", number)
            assert await at.db.one(int, "select count(*) from headwater.object") == left
        assert await sweep(at.committer, at.objects, datetime.now(UTC)) == 1
        assert await at.keys(id) == []
