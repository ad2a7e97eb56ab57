"""The test kit, tested with itself."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import pytest

from headwater import App, Backend, Event, Tx, uuid7
from headwater.consumer import KeysParked, NotSettled
from headwater.db import platform_source
from headwater.settings import Settings
from headwater.testing import Client, Databases, RunningBackend
from headwater.testing.plugin import new_runner
from headwater.wal import Gap, prepare_log

app = App("kit", migrations=Path(__file__).parent / "migrations")


class Started(Event, key="chain"):
    chain: UUID
    steps: int


class Doomed(Event, key="chain"):
    chain: UUID


class Waited(Event, key="chain"):
    chain: UUID


@app.on(Started)
async def step(tx: Tx, event: Started) -> None:
    await tx.run("insert into kit.step (chain, number) values ($1, $2)", event.chain, event.steps)
    if event.steps > 1:
        tx.emit(Started(chain=event.chain, steps=event.steps - 1))


@app.on(Doomed, retries=0)
async def fail(tx: Tx, event: Doomed) -> None:
    raise RuntimeError("this key cannot be applied")


@app.on(Waited)
async def wait(tx: Tx, event: Waited) -> None:
    await asyncio.Event().wait()


@app.query("GET /broken")
async def broken() -> int:
    raise RuntimeError("this handler is broken")


async def seed(tx: Tx) -> None:
    await tx.run("insert into kit.step (chain, number) values ($1, 0)", uuid7())


@pytest.fixture(scope="module")
def headwater_backend() -> Backend:
    return Backend(app, seed=seed)


async def count(backend: RunningBackend) -> int:
    return await backend.db.one(int, "select count(*) from kit.step")


async def test_settling_waits_for_what_handlers_emit_and_what_that_leads_to(backend: RunningBackend) -> None:
    async with backend.transaction() as tx:
        tx.emit(*(Started(chain=uuid7(), steps=5) for _ in range(3)))
    await backend.settle()
    assert await count(backend) == 15


async def test_settling_an_idle_backend_is_repeatable(backend: RunningBackend) -> None:
    for _ in range(20):
        await backend.settle()


@pytest.mark.parametrize("attempt", [1, 2])
async def test_every_test_has_a_database_of_its_own(backend: RunningBackend, attempt: int) -> None:
    assert await count(backend) == 0
    await backend.seed()
    assert await count(backend) == 1


async def test_a_parked_key_fails_the_test_with_its_cause(backend: RunningBackend) -> None:
    async with backend.transaction() as tx:
        tx.emit(Doomed(chain=uuid7()))
    with pytest.raises(KeysParked, match="this key cannot be applied"):
        await backend.settle()


async def test_the_stack_trace_of_a_500_is_in_the_captured_output(
    backend: RunningBackend, capsys: pytest.CaptureFixture[str]
) -> None:
    response = await backend.client.get("/broken")
    assert response.status == 500
    shown = capsys.readouterr().err
    assert "HandlerFailed method=GET route=/broken" in shown
    assert response.headers["x-request-id"] in shown
    assert "Traceback (most recent call last)" in shown
    assert "RuntimeError: this handler is broken" in shown


async def test_the_cause_of_a_parked_key_is_in_the_captured_output(
    backend: RunningBackend, capsys: pytest.CaptureFixture[str]
) -> None:
    async with backend.transaction() as tx:
        tx.emit(Doomed(chain=uuid7()))
    with pytest.raises(KeysParked):
        await backend.settle()
    shown = capsys.readouterr().err
    assert "KeyParked consumer=kit.fail" in shown
    assert "RuntimeError: this key cannot be applied" in shown


async def test_a_handler_that_hangs_is_named_after_the_time_given(backend: RunningBackend) -> None:
    async with backend.transaction() as tx:
        tx.emit(Waited(chain=uuid7()))
    with pytest.raises(NotSettled, match=r"kit\.wait"):
        await backend.settle(seconds=0.3)


async def test_a_relay_that_ends_fails_the_test(backend: RunningBackend) -> None:
    """A log that another server wrote is a gap, which a relay does not pass over when it connects again."""
    async with backend.pool.acquire() as connection:
        await connection.execute("update headwater.log set system_identifier = 'another'")
        await connection.execute("select pg_terminate_backend(active_pid) from pg_replication_slots where active")
    with pytest.raises(Gap, match="written on system another"):
        await backend.settle()
    backend.tasks.clear()


async def test_pool_and_transaction_may_write_and_queries_may_not(backend: RunningBackend) -> None:
    async with backend.pool.acquire() as connection:
        await connection.execute("insert into kit.step (chain, number) values (gen_random_uuid(), 7)")
    with pytest.raises(Exception, match="read-only"):
        await backend.db.maybe(
            int, "insert into kit.step (chain, number) values (gen_random_uuid(), 8) returning number"
        )


def test_a_backend_is_a_plain_asgi_application(
    own_databases: tuple[asyncio.Runner, Databases], monkeypatch: pytest.MonkeyPatch
) -> None:
    runner, databases = own_databases
    backend = Backend(app)

    async def use() -> tuple[int, int, int]:
        async with databases.database(backend.sources) as url:
            slot = urlsplit(url).path.removeprefix("/")
            monkeypatch.setenv("HEADWATER_POSTGRES_URL", url)
            monkeypatch.setenv("HEADWATER_SLOT", slot)
            async with Client(backend) as client:
                before = (await client.get("/readyz")).status
                await prepare_log(url, Settings(slot=slot))
                return before, (await client.get("/readyz")).status, (await client.get("/nothing")).status

    assert runner.run(use()) == (503, 200, 404), "not ready while what is committed would be in no log"


def test_a_backend_is_not_ready_before_its_migrations(
    own_databases: tuple[asyncio.Runner, Databases], monkeypatch: pytest.MonkeyPatch
) -> None:
    runner, databases = own_databases

    async def use() -> tuple[int, str]:
        async with databases.database([platform_source()]) as url:
            monkeypatch.setenv("HEADWATER_POSTGRES_URL", url)
            async with Client(Backend(app)) as client:
                answer = await client.get("/readyz")
                return answer.status, answer.text

    status, text = runner.run(use())
    assert status == 503
    assert "0001_step.expand.sql" in text


async def test_an_async_test_needs_no_engine(request: pytest.FixtureRequest) -> None:
    assert asyncio.get_running_loop().is_running()
    assert not [name for name in request.fixturenames if name.startswith("headwater") or name == "backend"]


@pytest.fixture
def own_databases() -> Iterator[tuple[asyncio.Runner, Databases]]:
    with new_runner() as runner:
        databases = Databases()
        runner.run(databases.start())
        yield runner, databases
        runner.run(databases.stop())


def test_nothing_is_left_of_a_database(own_databases: tuple[asyncio.Runner, Databases]) -> None:
    runner, databases = own_databases
    sources = Backend(app).sources

    async def names() -> set[str]:
        async with databases._connection(databases.url_of("postgres")) as connection:
            return {row[0] for row in await connection.fetch("select datname from pg_database where not datistemplate")}

    async def use() -> tuple[set[str], set[str]]:
        async with databases.database(sources):
            during = await names()
        return during, await names()

    during, after = runner.run(use())
    assert len(during) == len(after) + 1
