"""Deadlines on a real PostgreSQL: what is stopped here is stopped there, and what has begun to commit is not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from headwater import App, Backend, Db, Row, Tx
from headwater.settings import Settings
from headwater.testing import eventually
from headwater.testing.client import Client

MARK = "slow on purpose"


class Slow(Row):
    slept: str


app = App("slow")


@app.query("GET /slow", deadline=0.2)
async def read_slowly(db: Db) -> Slow:
    return await db.one(Slow, f"select pg_sleep(60)::text as slept /* {MARK} */")


@app.command("POST /slow", deadline=0.2)
async def write_slowly(tx: Tx) -> None:
    await tx.run("insert into public.done default values")
    await tx.run(f"select pg_sleep(60) /* {MARK} */")


@app.command("POST /locked", deadline=0.2)
async def write_locked(tx: Tx) -> None:
    await tx.run("lock table public.done in exclusive mode")


@app.command("POST /deferred", deadline=0.2)
async def write_deferred(tx: Tx) -> None:
    await tx.run("insert into public.done default values")


@app.query("GET /done")
async def count_done(db: Db) -> list[int]:
    return await db.all(int, "select count(*) from public.done")


SLOW_COMMIT = """
create function public.dawdle() returns trigger language plpgsql as 'begin perform pg_sleep(0.6); return null; end';
create constraint trigger dawdle after insert on public.done deferrable initially deferred
for each row execute function public.dawdle()
"""


@asynccontextmanager
async def running(url: str) -> AsyncIterator[tuple[Client, asyncpg.Connection]]:
    """A client of the app, and a connection that looks at what it does."""
    watcher = await asyncpg.connect(url)
    await watcher.execute("create table public.done (id int generated always as identity)")
    backend = Backend(app)
    await backend.open(Settings(postgres_url=url))
    try:
        async with Client(backend) as client:
            yield client, watcher
    finally:
        await backend.close()
        await watcher.close()


async def nothing_runs(watcher: asyncpg.Connection) -> None:
    """Wait until PostgreSQL is done with every slow statement, long before it would end by itself."""
    question = (
        "select count(*) from pg_stat_activity where query like $1 and state = 'active' and pid <> pg_backend_pid()"
    )
    await eventually(lambda: watcher.fetchval(question, f"%{MARK}%"), lambda running: running == 0, seconds=20)


async def test_the_statement_of_a_query_that_is_late_is_cancelled(url: str) -> None:
    async with running(url) as (client, watcher):
        assert (await client.get("/slow")).status == 504
        await nothing_runs(watcher)


async def test_a_late_command_is_cancelled_and_rolled_back_and_its_key_is_free(url: str) -> None:
    async with running(url) as (client, watcher):
        assert (await client.post("/slow", idempotency_key="one")).status == 504
        await nothing_runs(watcher)
        assert await watcher.fetchval("select count(*) from public.done") == 0
        assert await watcher.fetchval("select count(*) from headwater.idempotency") == 0
        again = await client.post("/slow", idempotency_key="one")
        assert (again.status, again.headers.get("Idempotent-Replayed")) == (504, None)


async def test_a_command_that_waits_for_a_lock_is_late_as_well(url: str) -> None:
    async with running(url) as (client, watcher):
        async with watcher.transaction():
            await watcher.execute("lock table public.done in exclusive mode")
            assert (await client.post("/locked")).status == 504
        assert (await client.post("/locked")).status == 204


async def test_a_command_whose_commit_takes_longer_than_its_deadline_is_answered_when_it_has_committed(
    url: str,
) -> None:
    async with running(url) as (client, watcher):
        await watcher.execute(SLOW_COMMIT)
        assert (await client.post("/deferred", idempotency_key="one")).status == 204
        assert await watcher.fetchval("select count(*) from public.done") == 1


async def test_a_duplicate_that_waits_for_the_first_one_is_late_by_itself(url: str) -> None:
    async with running(url) as (client, watcher):
        await watcher.execute(SLOW_COMMIT)
        replies = await asyncio.gather(*(client.post("/deferred", idempotency_key="one") for _ in range(3)))
        assert sorted(each.status for each in replies) == [204, 504, 504]
        replayed = await client.post("/deferred", idempotency_key="one")
        assert (replayed.status, replayed.headers["Idempotent-Replayed"]) == (204, "true")
        assert (await client.get("/done")).json() == [1]


async def test_late_requests_leave_every_connection_usable(url: str) -> None:
    async with running(url) as (client, watcher):
        replies = await asyncio.gather(*(client.get("/slow", headers={"Request-Timeout": "0.05"}) for _ in range(30)))
        assert {each.status for each in replies} == {504}
        await nothing_runs(watcher)
        replies = await asyncio.gather(*(client.get("/done") for _ in range(30)))
        assert {each.status for each in replies} == {200}
