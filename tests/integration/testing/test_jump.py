"""A test that jumps: what a week brings has happened, and nothing was waited for."""

import asyncio
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import msgspec
import pytest

from headwater import App, Backend, Backoff, Db, Event, Limit, Row, Tx, now, uuid7
from headwater.consumer import EventFailed
from headwater.observe import Occurrence, subscribe
from headwater.testing import RunningBackend, Server, eventually

app = App("kit", migrations=Path(__file__).parent / "migrations")
WEEK = timedelta(days=7)


class Step(Row):
    chain: UUID
    number: int


class Time(msgspec.Struct, frozen=True):
    now: datetime
    id: UUID


class Flaky(Event, key="chain"):
    chain: UUID
    calls: int
    """How many of the calls fail."""


class Slow(Event, key="chain"):
    chain: UUID


class Bank:
    """What is away at first, or slow to answer."""

    calls = 0
    asked = asyncio.Event()
    answers = asyncio.Event()


@app.command("POST /steps", status=201, idempotency="required")
async def add_step(tx: Tx) -> Step:
    """Add a step."""
    return await tx.one(Step, "insert into kit.step (chain, number) values ($1, 0) returning *", uuid7())


@app.query("GET /time", limits=[Limit("time", 2, per=3600)])
async def show_time(db: Db) -> Time:
    """Show the time that handlers have."""
    return Time(now(), uuid7())


@app.on(Flaky, retries=3, backoff=Backoff(first=86_400.0, most=86_400.0))
async def ask_the_bank(tx: Tx, event: Flaky) -> None:
    Bank.calls += 1
    if Bank.calls <= event.calls:
        raise RuntimeError("the bank is away")
    await tx.run("insert into kit.step (chain, number) values ($1, $2)", uuid7(), Bank.calls)


@app.on(Slow, timeout=60, retries=0)
async def wait_for_the_bank(tx: Tx, event: Slow) -> None:
    Bank.asked.set()
    await Bank.answers.wait()


@pytest.fixture(scope="module")
def headwater_backend() -> Backend:
    return Backend(app)


@pytest.fixture
def reported() -> Iterator[list[Occurrence]]:
    told: list[Occurrence] = []
    unsubscribe = subscribe(told.append)
    yield told
    unsubscribe()


def time_of(id: UUID) -> datetime:
    return datetime.fromtimestamp((id.int >> 80) / 1000, UTC)


async def test_a_key_in_retry_is_tried_again_when_its_time_has_come_and_not_before(
    backend: RunningBackend, reported: list[Occurrence]
) -> None:
    Bank.calls = 0
    async with backend.transaction() as tx:
        tx.emit(Flaky(chain=uuid7(), calls=2))
    for calls in (1, 2):
        await backend.settle(retries=False)
        assert Bank.calls == calls
        failed = [each for each in reported if isinstance(each, EventFailed)][-1]
        waits = await eventually(lambda: backend.clock.waits)
        assert waits == [pytest.approx(failed.retry_in_seconds, abs=60)]
        backend.clock.jump(seconds=failed.retry_in_seconds)
    await backend.settle()
    assert await backend.db.all(int, "select number from kit.step") == [3]


async def test_a_stored_response_is_replayed_for_a_day_and_then_forgotten(backend: RunningBackend) -> None:
    async def add() -> str:
        return str((await backend.client.post("/steps", idempotency_key="one")).json()["chain"])

    first = await add()
    backend.clock.jump(hours=23)
    assert await add() == first
    backend.clock.jump(hours=1)
    await backend.settle()
    assert await backend.db.one(int, "select count(*) from headwater.idempotency") == 0
    assert await add() != first


async def test_a_quota_comes_back(backend: RunningBackend) -> None:
    async def ask() -> list[int]:
        return [(await backend.client.get("/time")).status for _ in range(3)]

    assert await ask() == [200, 200, 429]
    backend.clock.jump(hours=1)
    assert await ask() == [200, 200, 429]


async def test_handlers_and_what_they_emit_follow_the_clock(backend: RunningBackend) -> None:
    began = datetime.now(UTC)
    backend.clock.jump(WEEK)
    asked = (await backend.client.get("/time")).json(Time)
    assert WEEK <= asked.now - began < WEEK + timedelta(minutes=5)
    assert abs(time_of(asked.id) - asked.now) < timedelta(seconds=1)
    Bank.calls = 0
    async with backend.transaction() as tx:
        tx.emit(Flaky(chain=uuid7(), calls=0))
    await backend.settle()
    made = await backend.db.one(UUID, "select chain from kit.step")
    assert WEEK <= time_of(made) - began < WEEK + timedelta(minutes=5)


async def test_a_server_on_a_socket_follows_it_too(backend: RunningBackend, live_server: Server) -> None:
    def ask() -> Time:
        with urllib.request.urlopen(f"{live_server.url}/time", timeout=20) as answer:
            return msgspec.json.decode(answer.read(), type=Time)

    backend.clock.jump(WEEK)
    asked = await asyncio.to_thread(ask)
    assert asked.now - datetime.now(UTC) + timedelta(minutes=5) >= WEEK
    assert abs(time_of(asked.id) - asked.now) < timedelta(seconds=1)


async def test_a_jump_does_not_time_out_what_is_under_way(backend: RunningBackend) -> None:
    Bank.asked, Bank.answers = asyncio.Event(), asyncio.Event()
    async with backend.transaction() as tx:
        tx.emit(Slow(chain=uuid7()))
    await Bank.asked.wait()
    backend.clock.jump(WEEK)
    Bank.answers.set()
    await backend.settle()
