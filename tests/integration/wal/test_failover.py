"""A standby that is promoted has the log or an error: no commit is in its rows and missing from its log unnoticed."""

import asyncio

import pytest

from headwater.engines import EmbeddedPostgres, examine_postgres
from headwater.log import format_lsn
from headwater.settings import Settings
from headwater.testing.polling import PATIENCE_SECONDS
from headwater.wal.acknowledgement import Acknowledger
from headwater.wal.slot import SlotAhead
from tests.integration.wal.failover import (
    SLOT,
    Standby,
    kill,
    log_on,
    make_ready,
    new_log_on,
    place,
    placed,
    placing,
    standby_of,
)
from tests.integration.wal.harness import (
    TEMPLATE,
    Log,
    database_url,
    eventually,
    named,
    reports,
    running,
)


async def append_while_the_standby_hears_nothing(log: Log, standby: Standby) -> int:
    """The standby gets a commit, then no more; the commit is appended; says what the slot is asked to forget."""
    async with log.relay():
        await make_ready(log, standby)
    await place(log.connection, 1)
    await standby.wait_flushed(await log.flushed())
    standby.cable.pull()
    async with log.holding() as relay, running(relay):
        await eventually(log.numbers)
        await eventually(lambda: relay._acknowledger._candidate or relay._stream.acknowledged)
    return (await log.head()).scanned


async def test_a_standby_that_lacks_an_append_has_a_slot_that_still_holds_the_commit(
    own_server: EmbeddedPostgres,
) -> None:
    async with new_log_on(own_server) as log, standby_of(own_server, "second") as standby:
        scanned = await append_while_the_standby_hears_nothing(log, standby)
        copied = await standby.synchronize()
        assert copied is not None
        assert copied < scanned
        await kill(own_server)
        await standby.promote()
        async with log_on(standby.engine) as promoted:
            assert (await placed(promoted), await promoted.numbers()) == ([1], [])
            with reports() as told:
                async with promoted.relay():
                    await place(promoted.connection, 2)
                    await promoted.wait_caught_up()
            assert (await placed(promoted), await promoted.numbers()) == ([1, 2], [1, 2])
            assert [opened.epoch for opened in named(told, "EpochOpened")] == [2]


async def test_a_slot_that_was_acknowledged_too_early_is_refused_after_the_promotion(
    own_server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Acknowledger, "appended", lambda self, scanned: self._acknowledge(scanned))
    async with new_log_on(own_server) as log, standby_of(own_server, "second") as standby:
        scanned = await append_while_the_standby_hears_nothing(log, standby)
        assert await standby.synchronize() == scanned
        await kill(own_server)
        await standby.promote()
        async with log_on(standby.engine) as promoted:
            assert (await placed(promoted), await promoted.numbers()) == ([1], [])
            with pytest.raises(SlotAhead, match="promotion of a standby that lacks appends") as raised:
                async with promoted.relay() as relaying:
                    await asyncio.wait_for(relaying, PATIENCE_SECONDS)
            assert format_lsn(scanned) in str(raised.value)
            assert (await promoted.numbers()) == []


async def test_two_primaries_die_under_load_and_every_row_that_survives_is_in_the_log_once(
    own_server: EmbeddedPostgres,
) -> None:
    async with new_log_on(own_server) as first, standby_of(own_server, "second") as second:
        await die_under_load(first, own_server, second)
        async with log_on(second.engine) as promoted:
            async with promoted.relay():
                await promoted.wait_caught_up()
            await assert_every_row_is_in_the_log_once(promoted)
            async with standby_of(second.engine, "third") as third:
                await die_under_load(promoted, second.engine, third)
                async with log_on(third.engine) as last:
                    async with last.relay():
                        await place(last.connection, 1_000_000)
                        await last.wait_caught_up()
                    await assert_every_row_is_in_the_log_once(last)
                    assert (await last.numbers())[-1] == 1_000_000
                    assert (await last.head()).position.epoch == 3


async def die_under_load(log: Log, primary: EmbeddedPostgres, standby: Standby) -> None:
    """The standby is cut off while rows are committed and appended, and a little later the primary is no more."""
    with reports() as told:
        async with log.relay(), placing(log):
            await make_ready(log, standby)
            await grow(log, 200)
            standby.cable.pull()
            await grow(log, 100)
            await kill(primary)
        assert not named(told, "StandbyGivenUp")
    await standby.promote()


async def grow(log: Log, entries: int) -> None:
    begun = len(await log.numbers())

    async def grown() -> bool:
        return len(await log.numbers()) >= begun + entries

    await eventually(grown)


async def assert_every_row_is_in_the_log_once(log: Log) -> None:
    rows = await placed(log)
    assert len(rows) > 100
    assert sorted(await log.numbers()) == rows
    assert [entry.position for entry in await log.entries()] == sorted({e.position for e in await log.entries()})


async def test_a_relay_that_reaches_a_standby_begins_once_that_is_promoted(own_server: EmbeddedPostgres) -> None:
    async with new_log_on(own_server) as log, standby_of(own_server, "second") as standby:
        assert await advice(standby.engine, "copy of slot headwater") in ("missing", "not complete yet")
        async with log.relay():
            await place(log.connection, 1)
            await make_ready(log, standby)
        assert await advice(standby.engine, "copy of slot headwater", ok=True) == "synced"
        assert (await advice(own_server, "standby with slot second", ok=True)).startswith("receives, ")
        assert await advice(own_server, "slot headwater at a failover", ok=True) == "taken over by standbys"
        async with log_on(standby.engine) as promoted:
            with reports() as told:
                async with promoted.relay():
                    assert named(told, "RelayInterrupted")
                    await kill(own_server)
                    await standby.promote()
                    await eventually(lambda: named(told, "RelayStarted"))
                    await place(promoted.connection, 2)
                    await promoted.wait_caught_up()
            assert await promoted.numbers() == [1, 2]


async def advice(engine: EmbeddedPostgres, subject: str, *, ok: bool = False) -> str:
    """What the doctor finds there."""
    findings = await examine_postgres(database_url(engine.url, TEMPLATE), Settings(slot=SLOT))
    [finding] = [each for each in findings if each.subject == subject]
    assert finding.ok is ok
    return finding.found
