"""The relay's slot waits for every physical slot, which stands for a standby, and not for ever."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from headwater.wal import acknowledgement, relay
from headwater.wal.standby import Replication, read_replication
from tests.integration.wal.harness import (
    Log,
    connected,
    drop_slot,
    emit,
    eventually,
    named,
    new_log,
    reports,
)


@asynccontextmanager
async def standby(log: Log, name: str = "second", *, used: bool = True) -> AsyncIterator[None]:
    """A physical slot that nobody receives from; `receive` moves it as a standby would."""
    await log.connection.execute("select pg_create_physical_replication_slot($1, $2)", name, used)
    try:
        yield
    finally:
        async with connected(log.url) as connection:
            await drop_slot(connection, name)


async def receive(log: Log, lsn: int, name: str = "second") -> None:
    await log.connection.execute("select pg_replication_slot_advance($1, $2)", name, lsn)


async def waits(log: Log) -> None:
    """Append, and see that the slot stays where it is however often the relay reads how far the standbys are."""
    confirmed = await log.confirmed()
    await emit(log.connection, 1)
    await log.wait_caught_up()
    reads = Reads.count
    await eventually(lambda: Reads.count >= reads + 3)
    assert await log.confirmed() == confirmed


class Reads:
    """How often a relay has read how far the standbys are."""

    count = 0


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    async def counted(*arguments: Any) -> Replication:
        Reads.count += 1
        return await read_replication(*arguments)

    monkeypatch.setattr(acknowledgement, "READ_EVERY_SECONDS", 0.02)
    monkeypatch.setattr(relay, "read_replication", counted)


async def test_an_append_is_acknowledged_once_the_standby_has_flushed_it(server: str) -> None:
    async with new_log(server) as log:
        await log.prepare()
        async with standby(log), log.relay():
            await waits(log)
            scanned = (await log.head()).scanned
            await receive(log, scanned)
            reads = Reads.count
            await eventually(lambda: Reads.count >= reads + 2)
            assert await log.confirmed() < scanned, "the commit is there, its append is not"
            await receive(log, await log.flushed())
            await log.wait_acknowledged()


@pytest.mark.parametrize("used", [True, False], ids=["behind", "never used"])
async def test_a_standby_that_comes_later_is_waited_for_and_one_that_is_removed_is_not(server: str, used: bool) -> None:
    async with new_log(server) as log:
        await log.prepare()
        async with log.relay():
            await emit(log.connection, 0)
            await log.wait_caught_up()
            await log.wait_acknowledged()
            async with standby(log, used=used):
                await waits(log)
            await log.wait_acknowledged()


async def test_of_two_standbys_the_one_that_lags_decides(server: str) -> None:
    async with new_log(server) as log:
        await log.prepare()
        async with standby(log), standby(log, "third"), log.relay():
            await waits(log)
            await receive(log, await log.flushed())
            await waits(log)
            await receive(log, await log.flushed(), "third")
            await receive(log, await log.flushed())
            await log.wait_acknowledged()


async def test_a_relay_that_begins_again_goes_on_waiting(server: str) -> None:
    async with new_log(server) as log:
        await log.prepare()
        async with standby(log):
            for _ in range(3):
                async with log.relay():
                    await waits(log)
            assert len(await log.numbers()) == 3


async def test_wal_without_anything_for_the_log_waits_too(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "HEARTBEAT_SECONDS", 0.05)
    async with new_log(server) as log:
        await log.prepare()
        async with standby(log), log.relay():
            confirmed, scanned = await log.confirmed(), (await log.head()).scanned
            await eventually(lambda: scanned_beyond(log, scanned))
            reads = Reads.count
            await eventually(lambda: Reads.count >= reads + 3)
            assert await log.confirmed() == confirmed


@asynccontextmanager
async def wal_kept(log: Log, most: str) -> AsyncIterator[None]:
    """Slots may hold no more than that."""
    await log.connection.execute(f"alter system set max_slot_wal_keep_size = '{most}'")
    await log.connection.execute("select pg_reload_conf()")
    try:
        yield
    finally:
        await log.connection.execute("alter system reset max_slot_wal_keep_size")
        await log.connection.execute("select pg_reload_conf()")


async def scanned_beyond(log: Log, lsn: int) -> bool:
    return (await log.head()).scanned > lsn


async def test_a_standby_that_is_gone_does_not_cost_the_slot(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acknowledgement, "PATIENCE_SECONDS", 0.1)
    async with new_log(server) as log:
        await log.prepare()
        async with standby(log), wal_kept(log, "64MB"):
            with reports() as told:
                async with log.relay():
                    await waits(log)
                    await eventually(lambda: named(told, "StandbyBehind"))
                    await log.connection.execute(FLOOD)
                    await emit(log.connection, 2)
                    await eventually(lambda: named(told, "StandbyGivenUp"))
                    await log.wait_acknowledged()
                    gone = named(told, "StandbyBehind", "StandbyGivenUp")
                    assert [each.slots for each in gone] == [["second"], ["second"]]
                    await receive(log, await log.flushed())
                    await emit(log.connection, 3)
                    await eventually(lambda: named(told, "StandbyCaughtUp"))
                    await log.wait_caught_up()
            assert not named(told, "RelayInterrupted")
        assert await log.numbers() == [1, 2, 3]


FLOOD = """
select count(pg_logical_emit_message(false, 'flood', repeat('x', 1000000))) from generate_series(1, 40)
"""
