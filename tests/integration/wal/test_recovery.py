"""Whatever breaks, the relay begins again from the slot: nothing is lost, and nothing doubled."""

import os
import signal
from collections.abc import Callable

import pytest

from headwater.engines import EmbeddedPostgres
from tests.integration.wal.harness import connected, emit, emit_many, eventually, named, new_log, reports, running

KILL_WALSENDER = "select pg_terminate_backend(active_pid, 5000) from pg_replication_slots where slot_name = $1"
KILL_CONTROL = """
select pg_terminate_backend(pid, 5000) from pg_stat_activity
 where datname = $1 and application_name = 'headwater relay appends'
"""


@pytest.mark.parametrize("kill", [KILL_WALSENDER, KILL_CONTROL], ids=["walsender", "connection that appends"])
async def test_a_lost_connection_is_made_again(server: str, kill: str) -> None:
    async with new_log(server) as log:
        await log.prepare()
        with reports() as told:
            async with log.relay():
                for n in range(30):
                    await emit(log.connection, n)
                    if n % 10 == 5:
                        started = len(named(told, "RelayStarted"))
                        await log.connection.execute(kill, log.slot)
                        await eventually(lambda: len(named(told, "RelayStarted")) > started)  # noqa: B023
                await log.wait_caught_up()
        assert await log.numbers() == list(range(30))
        assert len(named(told, "RelayInterrupted")) >= 3


async def test_readiness_is_told_once_however_often_it_takes_over(server: str) -> None:
    ready: list[bool] = []
    async with new_log(server) as log:
        await log.prepare()
        with reports() as told:
            async with log.relay(ready=lambda: ready.append(True)):
                await log.connection.execute(KILL_WALSENDER, log.slot)
                await eventually(lambda: len(named(told, "RelayStarted")) == 2)
                await emit(log.connection, 1)
                await log.wait_caught_up()
    assert ready == [True]


async def test_a_statement_that_fails_is_no_reason_to_stop(server: str) -> None:
    async with new_log(server) as log:
        await log.prepare()
        await emit(log.connection, 1)
        await log.connection.execute("alter table headwater.batch rename to batch_away")
        with reports() as told:
            async with log.relay():
                await eventually(lambda: named(told, "RelayInterrupted"))
                await log.connection.execute("alter table headwater.batch_away rename to batch")
                await log.wait_caught_up()
        assert await log.numbers() == [1]
        assert "batch" in named(told, "RelayInterrupted")[0].reason


async def test_appended_and_not_acknowledged_is_not_appended_again(server: str) -> None:
    async with new_log(server) as log:
        await log.prepare()
        confirmed = await log.confirmed()
        await emit(log.connection, 1)
        async with log.holding(step=kill_at("appended")) as relay:
            with pytest.raises(Killed):
                await relay.run()
        assert await log.confirmed() == confirmed
        assert await log.numbers() == [1]
        async with log.relay():
            await emit(log.connection, 2)
            await log.wait_caught_up()
        assert await log.numbers() == [1, 2]


@pytest.mark.parametrize("step", ["received", "before append", "acknowledged"])
async def test_a_relay_that_dies_at_a_step_leaves_nothing_undone(server: str, step: str) -> None:
    async with new_log(server) as log:
        await log.prepare()
        await emit(log.connection, 1)
        async with log.holding(step=kill_at(step)) as relay:
            with pytest.raises(Killed):
                await relay.run()
        async with log.relay():
            await emit(log.connection, 2)
            await log.wait_caught_up()
        assert await log.numbers() == [1, 2]


class Killed(Exception):
    """Ends a relay in a test."""


def kill_at(fatal: str) -> Callable[[str], None]:
    def step(name: str) -> None:
        if name == fatal:
            raise Killed

    return step


async def test_postgres_stopped_without_order_loses_and_doubles_nothing(own_server: EmbeddedPostgres) -> None:
    await own_server.start()
    async with new_log(own_server.url) as log:
        await log.prepare()
        await log.connection.execute("checkpoint")
        with reports() as told:
            async with log.relay():
                for n in range(20):
                    await emit(log.connection, n)
                await stop_at_once(own_server)
                await eventually(lambda: named(told, "RelayInterrupted"))
                await own_server.start()
                async with connected(log.url) as connection:
                    log.connection = connection
                    await emit(connection, 20)
                    await log.wait_caught_up()
                    assert await log.numbers() == list(range(21))


async def stop_at_once(engine: EmbeddedPostgres) -> None:
    """Immediate shutdown: no checkpoint, every connection cut."""
    os.kill(engine.statistics()["pid"], signal.SIGQUIT)
    await engine.wait()


async def test_the_slot_goes_back_with_a_crash_and_what_it_repeats_is_skipped(own_server: EmbeddedPostgres) -> None:
    await own_server.start()
    async with new_log(own_server.url) as log:
        await log.prepare()
        async with log.relay():
            await log.connection.execute("checkpoint")  # after it, confirmed positions are in memory only
            await log.wait_caught_up()
            await emit_many(log.connection, range(50))
            await emit(log.connection, 50)
            await log.wait_caught_up()
            await log.wait_acknowledged()
            confirmed = await log.confirmed()
        await stop_at_once(own_server)
        await own_server.start()
        async with connected(log.url) as connection:
            log.connection = connection
            assert await log.confirmed() < confirmed
            async with log.holding() as relay, running(relay):
                await emit(connection, 51)
                await log.wait_caught_up()
                assert relay.statistics()["entries"] == 1
            assert await log.numbers() == list(range(52))


async def test_postgres_shuts_down_promptly_while_the_relay_rests(own_server: EmbeddedPostgres) -> None:
    await own_server.start()
    with reports() as told:
        async with new_log(own_server.url) as log:
            await log.prepare()
            async with log.relay():
                await emit(log.connection, 1)
                await log.wait_caught_up()
                await own_server.stop()
                await eventually(lambda: named(told, "RelayInterrupted"))
                await own_server.start()
                async with connected(log.url) as connection:
                    log.connection = connection
                    await emit(connection, 2)
                    await log.wait_caught_up()
                    assert await log.numbers() == [1, 2]
    (stopped,) = named(told, "EngineStopped")
    assert not stopped.forced
