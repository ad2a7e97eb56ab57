"""Events of many requests share a commit; none is there twice, and what is lost is said."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from uuid import uuid4

import asyncpg
import pytest

from headwater.clock import SystemClock
from headwater.commit import Emitter, EventsLost, GroupCommit, OutcomeUnknown
from headwater.commit import group as module
from headwater.db import Unavailable
from headwater.engines import EmbeddedPostgres
from headwater.observe import Metrics, subscribe
from headwater.testing import eventually
from tests.integration.commit.shop import ORIGIN, OrderPlaced, events, shop, watched
from tests.integration.db.servers import connected, execute, folder_for_servers, wait_for_row


@asynccontextmanager
async def emitting(url: str, **options: float) -> AsyncIterator[tuple[asyncpg.Connection, GroupCommit, Emitter]]:
    async with watched(url) as watch, shop(url, **options) as (_, committer):
        group = GroupCommit(committer)
        yield watch, group, Emitter(group, ORIGIN, SystemClock())
        await group.close()


@contextmanager
def losses() -> Iterator[list[EventsLost]]:
    """What is reported as lost meanwhile."""
    lost: list[EventsLost] = []
    end = subscribe(lambda occurrence: lost.append(occurrence) if isinstance(occurrence, EventsLost) else None)
    try:
        yield lost
    finally:
        end()


@asynccontextmanager
async def durable_postgres() -> AsyncIterator[EmbeddedPostgres]:
    """One whose commits wait for something, and that can be stopped without harm to other tests."""
    with folder_for_servers() as folder:
        engine = EmbeddedPostgres(folder / "postgres")
        await engine.start()
        try:
            yield engine
        finally:
            await engine.stop()


def placed(count: int) -> list[OrderPlaced]:
    return [OrderPlaced(order=uuid4(), part=part) for part in range(count)]


async def numbers(watch: asyncpg.Connection) -> list[int]:
    return [event.part for event in await events(watch)]


async def test_who_waits_is_answered_once_the_event_is_committed(url: str) -> None:
    async with emitting(url) as (watch, _, emitter):
        (event,) = placed(1)
        await emitter.emit(event)
        assert await events(watch) == [event]


async def test_many_at_once_share_commits_and_keep_their_order(url: str) -> None:
    async with emitting(url) as (watch, group, emitter):
        await asyncio.gather(*(emitter.emit(event) for event in placed(500)))
        assert await numbers(watch) == list(range(500))
        figures = group.statistics()
        assert (figures["committed"], figures["waiting"], figures["lost"]) == (500, 0, 0)
        assert figures["groups"] <= 3


async def test_a_group_is_bounded(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GROUP", 10)
    async with emitting(url) as (watch, group, emitter):
        await asyncio.gather(*(emitter.emit(event) for event in placed(25)))
        assert (group.statistics()["groups"], await numbers(watch)) == (3, list(range(25)))


async def test_a_group_is_bounded_in_bytes(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GROUP_BYTES", 1)
    async with emitting(url) as (watch, group, emitter):
        await asyncio.gather(*(emitter.emit(event) for event in placed(3)))
        assert (group.statistics()["groups"], await numbers(watch)) == (3, [0, 1, 2])


async def test_what_nobody_waits_for_is_committed_at_the_end_at_the_latest(url: str) -> None:
    async with watched(url) as watch, shop(url) as (_, committer):
        group = GroupCommit(committer)
        emitter = Emitter(group, ORIGIN, SystemClock())
        for event in placed(50):
            emitter.emit_nowait(event)
        await group.close()
        assert await numbers(watch) == list(range(50))


async def test_what_nobody_waits_for_can_be_waited_for_all_the_same(url: str) -> None:
    async with emitting(url) as (watch, group, emitter):
        await group.flush()
        for event in placed(50):
            emitter.emit_nowait(event)
        await group.flush()
        assert await numbers(watch) == list(range(50))


async def test_whoever_stops_waiting_leaves_the_event_behind(url: str) -> None:
    async with emitting(url) as (watch, _, emitter):
        waiting = [asyncio.create_task(emitter.emit(event)) for event in placed(3)]
        await asyncio.sleep(0)  # each has handed in its event
        waiting[1].cancel()
        await asyncio.wait(waiting)
        assert (waiting[1].cancelled(), await numbers(watch)) == (True, [0, 1, 2])


async def test_when_too_many_wait_more_are_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAITING", 2)
    async with emitting(url) as (watch, group, emitter):
        first, second, third = placed(3)
        for event in (first, second):
            emitter.emit_nowait(event)
        with pytest.raises(Unavailable):
            emitter.emit_nowait(third)
        await group.close()
        assert await events(watch) == [first, second]


async def test_an_outage_is_told_to_who_waits_and_survived_by_the_others() -> None:
    async with durable_postgres() as engine, shop(engine.url, wait=0.5) as (_, committer):
        await execute(engine.url, "select pg_create_logical_replication_slot('watch', 'test_decoding')")
        group = GroupCommit(committer)
        emitter = Emitter(group, ORIGIN, SystemClock())
        await engine.stop()
        patient, impatient, last = placed(3)
        emitter.emit_nowait(patient)
        with pytest.raises(Unavailable):
            await emitter.emit(impatient)
        await engine.start()
        await emit_when_back(emitter, last)
        async with connected(engine.url) as watch:
            assert await events(watch) == [patient, last]


async def test_what_is_left_when_the_process_ends_is_reported() -> None:
    async with durable_postgres() as engine, shop(engine.url, wait=0.2) as (_, committer):
        metrics = Metrics()
        group = GroupCommit(committer, metrics)
        emitter = Emitter(group, ORIGIN, SystemClock())
        await engine.stop()
        for event in placed(3):
            emitter.emit_nowait(event)
        with losses() as lost:
            await group.close()
    assert (sum(each.events for each in lost), group.statistics()["lost"]) == (3, 3)
    assert b"headwater_emitted_lost_total 3.0" in metrics.expose()[1]


async def wait_for_nobody(url: str, watch: asyncpg.Connection) -> None:
    """Let every commit from now on wait for a standby that is not there.

    A new connection has the setting once the postmaster has told all processes of it, and the checkpointer, which
    decides whether commits wait, reads it before it does a checkpoint.
    """
    await watch.execute("alter system set synchronous_standby_names = 'nobody'")
    await watch.execute("select pg_reload_conf()")

    async def told() -> str:
        async with connected(url) as connection:
            return str(await connection.fetchval("show synchronous_standby_names"))

    await eventually(told, lambda names: names == "nobody")
    await watch.execute("checkpoint")


async def test_a_commit_that_breaks_leaves_the_outcome_unknown_and_is_not_tried_again() -> None:
    async with durable_postgres() as engine, emitting(engine.url) as (watch, _, emitter):
        await wait_for_nobody(engine.url, watch)
        waits, nobody = placed(2)
        running = asyncio.create_task(emitter.emit(waits))
        pid = (await wait_for_row(watch, "select pid from pg_stat_activity where wait_event = 'SyncRep'"))["pid"]
        with losses() as lost:
            await watch.execute("select pg_terminate_backend($1)", pid)
            with pytest.raises(OutcomeUnknown):
                await running
        await watch.execute("set synchronous_commit = local")
        await watch.execute("alter system reset synchronous_standby_names")
        await watch.execute("select pg_reload_conf()")
        await emitter.emit(nobody)
        assert [event.order for event in await events(watch)] == [waits.order, nobody.order]
        assert lost == []  # somebody waited, and knows


async def emit_when_back(emitter: Emitter, event: OrderPlaced) -> None:
    """As soon as the pool tries again."""
    async with asyncio.timeout(20):
        while True:
            try:
                return await emitter.emit(event)
            except Unavailable as error:
                await asyncio.sleep(min(0.1, error.retry_after))
