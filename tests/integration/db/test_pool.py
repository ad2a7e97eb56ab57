"""The pool while connections break, callers give up, and PostgreSQL goes away and comes back."""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import asyncpg
import pytest

from headwater.db import ConnectionLost, DatabaseBack, DatabaseLost, Db, Pool, QueryFailed, Unavailable
from headwater.engines import EmbeddedPostgres
from headwater.observe import Occurrence, subscribe
from headwater.testing import eventually
from tests.integration.db.servers import BLOCKED, connected, execute, folder_for_servers, wait_for_row

SLEEP = "select 1 from pg_sleep(100)"
SLEEPING = "select pid from pg_stat_activity where query like '%pg_sleep(100)%' and wait_event = 'PgSleep'"


@pytest.fixture
def folder() -> Iterator[Path]:
    with folder_for_servers() as folder:
        yield folder


class TestQueue:
    async def test_no_more_connections_than_its_size(self, url: str) -> None:
        pool = await Pool.open(url, size=3, application_name="crowd")
        db = Db(pool)
        await asyncio.gather(*(db.one(int, "select 1 from pg_sleep(0.002)") for _ in range(100)))
        async with connected(url) as outside:
            assert await outside.fetchval("select count(*) from pg_stat_activity where application_name = 'crowd'") == 3
        assert pool.statistics()["open"] == 3
        await pool.close()

    async def test_waiters_are_served_in_the_order_of_their_arrival(self, url: str) -> None:
        pool = await Pool.open(url, size=1, application_name="test")
        held, order = await pool.take(), []

        async def wait(number: int) -> None:
            connection = await pool.take()
            order.append(number)
            pool.put(connection)

        waiting = [asyncio.create_task(wait(number)) for number in range(10)]
        await eventually(lambda: pool.statistics()["waiting"] == 10)
        pool.put(held)
        await asyncio.gather(*waiting)
        assert order == list(range(10))
        await pool.close()

    async def test_waiting_too_long_is_unavailable_with_a_time_to_try_again(self, url: str) -> None:
        pool = await Pool.open(url, size=1, application_name="test", wait=0.05)
        held = await pool.take()
        with pytest.raises(Unavailable, match=r"no connection was free within 0\.05 s") as caught:
            await Db(pool).one(int, "select 1")
        assert caught.value.retry_after > 0
        pool.put(held)
        assert await Db(pool).one(int, "select 1") == 1
        await pool.close()

    async def test_a_waiter_that_gives_up_does_not_keep_what_it_was_handed(self, url: str) -> None:
        """Every way in which giving up and being served can cross, ends with the connection back in the pool."""
        pool = await Pool.open(url, size=1, application_name="test")
        for turns in range(4):
            held = await pool.take()
            waiter = asyncio.create_task(pool.take())
            await eventually(lambda: pool.statistics()["waiting"] == 1)
            pool.put(held)
            for _ in range(turns):
                await asyncio.sleep(0)
            waiter.cancel()
            with suppress(asyncio.CancelledError):
                pool.put(await waiter)
            assert await Db(pool).one(int, "select 1") == 1
        assert pool.statistics()["open"] == 1
        await pool.close()

    async def test_a_closed_pool_refuses(self, url: str) -> None:
        pool = await Pool.open(url, size=1, application_name="test")
        held = await pool.take()
        waiter = asyncio.create_task(pool.take())
        await eventually(lambda: pool.statistics()["waiting"] == 1)
        closing = asyncio.create_task(pool.close())
        with pytest.raises(Unavailable, match="closed"):
            await waiter
        pool.put(held)
        await closing
        assert held.is_closed()
        with pytest.raises(Unavailable, match="closed"):
            await pool.take()

    async def test_when_the_server_has_no_room_the_connections_we_have_are_shared(self, url: str) -> None:
        async with connected(url) as outside:
            name = await outside.fetchval("select current_database()")
            await outside.execute(f"alter database {name} connection limit 3")
            role = f"create role limited login; grant connect on database {name} to limited"
            await outside.execute(role)
            try:
                pool = await Pool.open(url.replace("headwater@", "limited@"), size=5, application_name="test")
                db = Db(pool)
                rows = await asyncio.gather(*(db.one(int, "select 1 from pg_sleep(0.02)") for _ in range(12)))
                assert rows == [1] * 12
                assert pool.statistics()["open"] == 2
                await pool.close()
            finally:
                await outside.execute(f"revoke all on database {name} from limited; drop role limited")


class TestBreaking:
    async def test_a_terminated_connection_is_not_lent_again(self, url: str) -> None:
        pool = await Pool.open(url, size=2, read_only=True, application_name="victim")
        db = Db(pool)
        await asyncio.gather(*(db.one(int, "select 1 from pg_sleep(0.01)") for _ in range(2)))
        await execute(url, "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'victim'")
        assert await asyncio.gather(*(db.one(int, "select 1") for _ in range(10))) == [1] * 10
        await pool.close()

    async def test_a_connection_killed_under_a_read_is_replaced_and_the_read_repeated(self, url: str) -> None:
        pool = await Pool.open(url, size=2, read_only=True, application_name="victim")
        async with connected(url) as outside:
            await outside.execute("select pg_advisory_lock(1)")
            reading = asyncio.create_task(
                Db(pool).one(int, "with own as materialized (select pg_advisory_xact_lock_shared(1)) select 7 from own")
            )
            pid = (await wait_for_row(outside, BLOCKED))["pid"]
            await outside.execute("select pg_terminate_backend($1)", pid)
            other = (await wait_for_row(outside, f"{BLOCKED} and pid <> $1", pid))["pid"]
            assert other != pid
            await outside.execute("select pg_advisory_unlock(1)")
            assert await reading == 7
        await pool.close()

    async def test_a_cancelled_read_stops_on_the_server_and_its_connection_lives_on(self, url: str) -> None:
        pool = await Pool.open(url, size=1, read_only=True, application_name="test")
        db = Db(pool)
        pid = await db.one(int, "select pg_backend_pid()")
        async with connected(url) as outside:
            reading = asyncio.create_task(db.one(int, SLEEP))
            await wait_for_row(outside, SLEEPING)
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
            assert await db.one(int, "select pg_backend_pid()") == pid
            assert await outside.fetchrow(SLEEPING) is None
        await pool.close()

    async def test_a_timeout_around_a_read_is_a_cancellation(self, url: str) -> None:
        pool = await Pool.open(url, size=1, read_only=True, application_name="test")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await Db(pool).one(int, SLEEP)
        assert await Db(pool).one(int, "select 1") == 1
        await pool.close()

    async def test_a_raw_connection_cancelled_in_a_transaction_is_rolled_back(self, url: str) -> None:
        await execute(url, "create table t (a int)")
        pool = await Pool.open(url, size=1, application_name="test")

        async def write() -> None:
            async with pool.acquire() as connection, connection.transaction():
                await connection.execute("insert into t values (1)")
                await connection.execute(SLEEP)

        async with connected(url) as outside:
            writing = asyncio.create_task(write())
            await wait_for_row(outside, SLEEPING)
            writing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await writing
            async with pool.acquire() as connection:
                assert await connection.fetchval("select count(*) from t") == 0
        await pool.close()


class TestOutage:
    async def test_a_server_that_never_was_is_unavailable(self, folder: Path) -> None:
        with pytest.raises(Unavailable):
            await Pool.open(f"postgresql://headwater@/headwater?host={folder}", application_name="test")

    async def test_a_server_that_says_nothing_is_unavailable_after_the_time_to_connect(self, folder: Path) -> None:
        accepted = asyncio.Event()

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            accepted.set()
            await reader.read()
            writer.close()

        server = await asyncio.start_unix_server(accept, folder / ".s.PGSQL.5432")
        url = f"postgresql://headwater@/headwater?host={folder}"
        with pytest.raises(Unavailable, match="no response in time"):
            await Pool.open(url, application_name="test", connect_timeout=0.05)
        assert accepted.is_set()
        server.close()

    async def test_a_wrong_database_is_not_called_an_outage(self, server: str) -> None:
        with pytest.raises(Exception, match="does not exist") as caught:
            await Pool.open(server.replace("/headwater?", "/nowhere?"), application_name="test")
        assert not isinstance(caught.value, Unavailable)

    async def test_stopped_and_started_again_everything_recovers_by_itself(self, folder: Path) -> None:
        told: list[Occurrence] = []
        unsubscribe = subscribe(told.append)
        engine = EmbeddedPostgres(folder / "postgres", durable=False)
        await engine.start()
        try:
            pool = await Pool.open(engine.url, size=4, read_only=True, application_name="test", wait=2.0)
            db = Db(pool)
            sleeping = [asyncio.create_task(db.one(int, SLEEP)) for _ in range(4)]
            queued = [asyncio.create_task(db.one(int, "select 1")) for _ in range(20)]
            async with connected(engine.url) as outside:
                await wait_for_row(outside, f"select from ({SLEEPING}) s having count(*) = 4")
            await engine.stop()
            results = await asyncio.gather(*sleeping, *queued, return_exceptions=True)
            assert all(isinstance(result, Unavailable) and result.retry_after > 0 for result in results)
            assert not pool.statistics()["available"]
            with pytest.raises(Unavailable):
                await db.one(int, "select 1")
            await engine.start()
            assert await _first_success(db) == 1
            assert await asyncio.gather(*(db.one(int, "select 1") for _ in range(20))) == [1] * 20
            assert pool.statistics()["available"]
            assert [type(each) for each in told if isinstance(each, DatabaseLost | DatabaseBack)] == [
                DatabaseLost,
                DatabaseBack,
            ]
            await pool.close()
        finally:
            unsubscribe()
            await engine.stop()

    async def test_a_server_that_crashes_takes_no_connection_of_ours_for_good(self, folder: Path) -> None:
        engine = EmbeddedPostgres(folder / "postgres", durable=False)
        await engine.start()
        try:
            pool = await Pool.open(engine.url, size=3, read_only=True, application_name="test")
            db = Db(pool)
            asked = (db.one(int, "select pg_backend_pid() from pg_sleep(0.02)") for _ in range(3))
            pids = set(await asyncio.gather(*asked))
            assert len(pids) == 3
            async with connected(engine.url) as witness:
                os.kill(pids.pop(), signal.SIGKILL)  # which makes PostgreSQL end all of them and recover
                await eventually(witness.is_closed)
            assert await _first_success(db) == 1
            assert await asyncio.gather(*(db.one(int, "select 1") for _ in range(10))) == [1] * 10
            await pool.close()
        finally:
            await engine.stop()


async def _first_success(db: Db) -> int:
    """Ask again as a client would: after as long as the refusal says."""
    async with asyncio.timeout(20):
        while True:
            try:
                return await db.one(int, "select 1")
            except Unavailable as error:
                await asyncio.sleep(min(error.retry_after, 0.1))


class TestErrors:
    async def test_what_leaves_the_block_of_a_raw_connection_is_ours(self, url: str) -> None:
        pool = await Pool.open(url, size=1, application_name="test")
        with pytest.raises(QueryFailed, match="42P01") as caught:
            async with pool.acquire() as connection:
                await connection.execute("select * from nowhere")
        assert isinstance(caught.value.__cause__, asyncpg.UndefinedTableError)
        await pool.close()

    async def test_inside_the_block_it_is_asyncpgs_own(self, url: str) -> None:
        pool = await Pool.open(url, size=1, application_name="test")
        async with pool.acquire() as connection:
            with pytest.raises(asyncpg.UndefinedTableError):
                await connection.execute("select * from nowhere")
            assert await connection.fetchval("select 1") == 1
        await pool.close()

    async def test_a_connection_that_breaks_in_the_block_is_lost(self, url: str) -> None:
        pool = await Pool.open(url, size=1, application_name="test")
        with pytest.raises(ConnectionLost):
            async with pool.acquire() as connection:
                await connection.execute("select pg_terminate_backend(pg_backend_pid())")
        assert await Db(pool).one(int, "select 1") == 1
        await pool.close()

    @pytest.mark.parametrize("error", [BrokenPipeError("the reader left"), FileNotFoundError("no such file")])
    async def test_what_has_nothing_to_do_with_the_connection_passes_as_it_is(self, url: str, error: OSError) -> None:
        pool = await Pool.open(url, size=1, application_name="test")
        with pytest.raises(type(error)) as caught:
            async with pool.acquire():
                raise error
        assert caught.value is error
        await pool.close()
