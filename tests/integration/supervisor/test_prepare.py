"""What happens once before the first request, and what is cleaned up ever after."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from headwater import App, Backend, Tx
from headwater.db import migrate, platform_source
from headwater.engines import EmbeddedPostgres
from headwater.observe import Occurrence, subscribe
from headwater.settings import Settings
from headwater.supervisor import roles
from headwater.supervisor.assignment import Assignment
from headwater.supervisor.housekeeping import EVERY_SECONDS, HousekeepingPostponed, HouseKept, clean, keep_house
from headwater.supervisor.prepare import plant, prepare
from headwater.testing import Clock, Databases, eventually

APP = App("kit", migrations=Path(__file__).parents[1] / "testing" / "migrations")
ADD = "insert into kit.step (chain, number) values (gen_random_uuid(), 1)"


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


async def store_answer(url: str, hours: int) -> None:
    """The answer to a command, so many hours old."""
    async with connected(url) as connection:
        await connection.execute(
            "insert into headwater.idempotency (scope, fingerprint, status, headers, body, created_at)"
            " values ($1, $2, 200, '[]', '', now() - make_interval(hours => $3))",
            bytes([hours]) * 32,
            bytes(32),
            hours,
        )


async def count(url: str, table: str) -> int:
    async with connected(url) as connection:
        return int(await connection.fetchval(f"select count(*) from {table}"))


async def seed(tx: Tx) -> str:
    await tx.run(ADD)
    return "one step"


async def test_an_empty_database_is_made_fit_once(headwater_databases: Databases) -> None:
    backend = Backend(APP, seed=seed)
    async with headwater_databases.database([]) as url:
        settings = Settings(postgres_url=url, slot=urlsplit(url).path[1:])
        first = await prepare(backend, settings)
        again = await prepare(backend, settings)
        assert await count(url, "kit.step") == 1
        assert await count(url, "headwater.log") == 1
    assert [(each.app, each.label) for each in first.applied][-1] == ("kit", "0001_step.expand.sql")
    assert (first.planted, again.applied, again.planted) == ("one step", [], None)


async def test_two_who_plant_at_once_plant_once(headwater_databases: Databases) -> None:
    backend = Backend(APP, seed=seed)
    async with headwater_databases.database(backend.sources) as url:
        planted = await asyncio.gather(*(plant(backend, url) for _ in range(4)))
        assert await count(url, "kit.step") == 1
    assert sorted(planted, key=str) == [None, None, None, "one step"]


async def test_a_seed_that_fails_leaves_nothing_and_is_tried_at_the_next_start(headwater_databases: Databases) -> None:
    async def fail(tx: Tx) -> None:
        await tx.run(ADD)
        raise RuntimeError("no more paper")

    async with headwater_databases.database(Backend(APP).sources) as url:
        with pytest.raises(RuntimeError, match="no more paper"):
            await plant(Backend(APP, seed=fail), url)
        assert await count(url, "kit.step") == 0
        assert await plant(Backend(APP, seed=seed), url) == "one step"


async def test_a_backend_without_a_seed_has_nothing_to_plant(headwater_databases: Databases) -> None:
    async with headwater_databases.database([platform_source()]) as url:
        assert await plant(Backend(), url) is None


async def test_stored_answers_are_forgotten_when_their_time_is_up(headwater_databases: Databases) -> None:
    reported: list[object] = []
    async with headwater_databases.database([platform_source()]) as url:
        for hours in (1, 23, 25, 99):
            await store_answer(url, hours)
        unsubscribe = subscribe(reported.append)
        try:
            await clean(url, Settings(idempotency_hours=24))
            await clean(url, Settings(idempotency_hours=24))
        finally:
            unsubscribe()
        assert await count(url, "headwater.idempotency") == 2
    assert [each for each in reported if isinstance(each, HouseKept)] == [
        HouseKept(segments=[], responses=2, uploads=0)
    ]


async def test_housekeeping_is_done_again_and_again_by_the_clock(headwater_databases: Databases) -> None:
    clock = Clock(frozen=True)
    async with headwater_databases.database([platform_source()]) as url:
        await store_answer(url, 23)
        keeping = asyncio.create_task(keep_house(url, Settings(idempotency_hours=24), clock=clock))
        try:
            assert await eventually(lambda: clock.waits) == [EVERY_SECONDS]
            assert await count(url, "headwater.idempotency") == 1
            clock.jump(hours=2)
            await eventually(lambda: count(url, "headwater.idempotency"), lambda left: left == 0)
        finally:
            keeping.cancel()
            await asyncio.wait([keeping])


async def test_housekeeping_outlives_restarts_of_postgres(home: Path) -> None:
    engine = EmbeddedPostgres(home / "postgres", durable=False)
    await engine.start()
    try:
        await migrate(engine.url, [platform_source()])
        async with keeping_house(engine.url) as reported:
            for _ in range(3):
                await store_answer(engine.url, hours=99)
                await first(reported, HouseKept)
                await engine.stop()
                reported.clear()
                await first(reported, HousekeepingPostponed)
                await engine.start()
    finally:
        await engine.stop()


async def test_housekeeping_whose_connection_breaks_begins_again(headwater_databases: Databases) -> None:
    async with (
        headwater_databases.database([platform_source()]) as url,
        connected(url) as watch,
        connected(url) as other,
    ):
        await other.execute("create table headwater.batch_1_0_3e8 ()")  # as an interrupted call leaves it
        await other.execute("begin; lock table headwater.batch_1_0_3e8")
        async with keeping_house(url) as reported:
            await holds(watch, END_HOUSEKEEPING)
            await first(reported, HousekeepingPostponed)
            await other.execute("commit")
            await holds(watch, "select to_regclass('headwater.batch_1_0_3e8') is null")


async def test_housekeeping_that_fails_for_good_ends_the_relay_with_its_cause(
    headwater_databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(url: str, settings: Settings) -> None:
        raise RuntimeError("broom broken")

    monkeypatch.setattr(roles, "keep_house", fail)
    async with headwater_databases.database([platform_source()]) as url:
        settings = Settings(postgres_url=url, slot=urlsplit(url).path[1:])
        await prepare(Backend(), settings)
        assignment = Assignment(role="relay", backend="")
        with pytest.raises(RuntimeError, match="broom broken"):
            await roles.relay(assignment, settings, asyncio.Event(), lambda: None)


END_HOUSEKEEPING = """
select pg_terminate_backend(pid, 5000) from pg_stat_activity
 where datname = current_database() and application_name = 'headwater housekeeping' and wait_event_type = 'Lock'
"""


@asynccontextmanager
async def keeping_house(url: str) -> AsyncIterator[list[Occurrence]]:
    """Housekeeping at work, and what is reported meanwhile; it must not have ended by itself."""
    reported: list[Occurrence] = []
    unsubscribe = subscribe(reported.append)
    keeping = asyncio.create_task(keep_house(url, Settings(idempotency_hours=24), every_seconds=0.02))
    try:
        yield reported
        assert not keeping.done()
    finally:
        keeping.cancel()
        await asyncio.wait([keeping])
        unsubscribe()


async def first(reported: list[Occurrence], kind: type[Occurrence]) -> None:
    await eventually(lambda: any(isinstance(each, kind) for each in reported))


async def holds(watch: Any, question: str) -> None:
    await eventually(lambda: watch.fetchval(question), what=question)
