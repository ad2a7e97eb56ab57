"""Lost updates on a real PostgreSQL: of many who change the same revision at once, one does, and the others know."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import msgspec
import pytest

from headwater.commit import Tx
from headwater.db import Db
from headwater.http.verbs import make_route
from headwater.testing.client import Client, Reply
from headwater.types import Row
from tests.integration.db.servers import execute, value
from tests.integration.http.serving import serving

TABLE = """
create table task (
    id bigint primary key, title text not null, revision bigint not null default 1, changed timestamptz not null
        default '2026-01-02 03:04:05.678Z'
)
"""
WRITERS = 40


class Task(Row):
    id: int
    title: str
    revision: int
    changed: datetime


class Change(msgspec.Struct):
    title: str


async def show(db: Db, id: int) -> Task:
    return await db.one(Task, "select * from task where id = $1", id)


async def lock(tx: Tx, id: int) -> Task:
    return await tx.one(Task, "select * from task where id = $1 for update", id)


async def lock_if_there(tx: Tx, id: int) -> Task | None:
    await tx.run("select pg_advisory_xact_lock($1)", id)  # there may be no row to lock yet
    return await tx.maybe(Task, "select * from task where id = $1 for update", id)


async def change(tx: Tx, id: int, change: Change) -> Task:
    sql = "update task set title = $2, revision = revision + 1, changed = now() where id = $1 returning *"
    return await tx.one(Task, sql, id, change.title)


async def put(tx: Tx, id: int, change: Change) -> Task:
    sql = (
        "insert into task (id, title) values ($1, $2) "
        "on conflict (id) do update set title = $2, revision = task.revision + 1 returning *"
    )
    return await tx.one(Task, sql, id, change.title)


async def remove(tx: Tx, id: int) -> None:
    await tx.run("delete from task where id = $1", id)


VALIDATED: dict[str, Any] = {"path": "/tasks/{id}", "etag": "revision", "last_modified": "changed"}
WRITTEN: dict[str, Any] = {**VALIDATED, "verb": "command", "idempotency": "optional", "current": lock}
ROUTES = [
    make_route(method="GET", handler=show, **VALIDATED),
    make_route(method="PATCH", handler=change, if_match="required", **WRITTEN),
    make_route(method="PUT", handler=put, **{**WRITTEN, "current": lock_if_there}),
    make_route(method="DELETE", handler=remove, **WRITTEN),
]


@asynccontextmanager
async def tasks(url: str) -> AsyncIterator[Client]:
    await execute(url, TABLE, "insert into task (id, title) values (1, 'first')")
    async with serving(url, ROUTES) as client:
        yield client


async def patch(client: Client, title: str, etag: str, **options: Any) -> Reply:
    return await client.patch("/tasks/1", json={"title": title}, headers={"If-Match": etag}, **options)


async def test_of_many_changes_of_one_revision_exactly_one_happens(url: str) -> None:
    async with tasks(url) as client:
        etag = (await client.get("/tasks/1")).headers["etag"]
        replies = await asyncio.gather(*(patch(client, f"title {n}", etag) for n in range(WRITERS)))
        assert Counter(reply.status for reply in replies) == {200: 1, 412: WRITERS - 1}
        winner = next(reply for reply in replies if reply.status == 200)
        shown = await client.get("/tasks/1")
        assert shown.json() == winner.json()
        assert shown.headers["etag"] == winner.headers["etag"] == '"2"'
        assert await value(url, "select count(*) from task where revision = 2") == 1


async def test_whoever_reads_again_loses_nothing(url: str) -> None:
    async def append(client: Client, mark: str) -> None:
        while True:
            read = await client.get("/tasks/1")
            reply = await patch(client, f"{read.json()['title']}{mark}", read.headers["etag"])
            if reply.status == 200:
                return
            assert reply.status == 412

    async with tasks(url) as client:
        await client.put("/tasks/1", json={"title": ""})
        marks = "abcdefghij"
        await asyncio.gather(*(append(client, mark) for mark in marks))
        shown = (await client.get("/tasks/1")).json()
        assert sorted(shown["title"]) == sorted(marks)
        assert shown["revision"] == 2 + len(marks)


async def test_of_many_creations_exactly_one_happens(url: str) -> None:
    async with tasks(url) as client:
        replies = await asyncio.gather(
            *(client.put("/tasks/2", json={"title": f"{n}"}, headers={"If-None-Match": "*"}) for n in range(WRITERS))
        )
        assert Counter(reply.status for reply in replies) == {200: 1, 412: WRITERS - 1}
        assert await value(url, "select revision from task where id = 2") == 1


async def test_what_was_changed_meanwhile_is_not_removed(url: str) -> None:
    async with tasks(url) as client:
        assert (await patch(client, "second", '"1"')).status == 200
        assert (await client.delete("/tasks/1", headers={"If-Match": '"1"'})).status == 412
        assert (await client.delete("/tasks/1", headers={"If-Match": '"2"'})).status == 204
        assert (await patch(client, "third", '"2"')).status == 404


async def test_a_date_protects_from_the_second_after_it_on(url: str) -> None:
    async with tasks(url) as client:
        since = {"If-Unmodified-Since": (await client.get("/tasks/1")).headers["last-modified"]}
        assert since == {"If-Unmodified-Since": "Fri, 02 Jan 2026 03:04:05 GMT"}
        assert (await client.get("/tasks/1", headers={"If-Modified-Since": since["If-Unmodified-Since"]})).status == 304
        assert (await client.delete("/tasks/1", headers=since)).status == 204
        await execute(url, "insert into task (id, title, changed) values (1, 'a', '2026-01-02 03:04:06Z')")
        assert (await client.delete("/tasks/1", headers=since)).status == 412


async def test_a_change_repeated_under_its_key_is_told_what_it_did(url: str) -> None:
    async with tasks(url) as client:
        replies = await asyncio.gather(*(patch(client, "second", '"1"', idempotency_key="k") for _ in range(10)))
        assert {(reply.status, reply.headers["etag"], reply.body) for reply in replies} == {
            (200, '"2"', replies[0].body)
        }
        assert await value(url, "select revision from task") == 2


@pytest.mark.parametrize("etag", ['"0"', 'W/"1"'])
async def test_a_refused_change_is_not_kept_under_its_key(url: str, etag: str) -> None:
    async with tasks(url) as client:
        assert (await patch(client, "second", etag, idempotency_key="k")).status == 412
        assert await value(url, "select count(*) from headwater.idempotency") == 0
        assert (await patch(client, "second", '"1"', idempotency_key="k")).status == 200
