"""The relay as a service: it connects, takes over the log, relays until it is interrupted, and restarts.

What a reconnect can fix is retried with backoff, without limit, and reported. Everything else (a `Gap`, a missing log,
a malformed stream) is raised: the process stops, and a person decides.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import asyncpg

from headwater.backoff import Backoff
from headwater.db import FOREIGN, DbError
from headwater.log.head import Head, read_head
from headwater.log.segments import Segments
from headwater.observe import Metrics, report
from headwater.settings import Settings
from headwater.wal.appender import Appender, Fenced, LayoutChanged
from headwater.wal.catalog import Catalog
from headwater.wal.control import connect_control
from headwater.wal.gate import Snapshot
from headwater.wal.meter import RelayMeter
from headwater.wal.occurrences import EpochOpened, RelayInterrupted, RelayStarted
from headwater.wal.relay import Relay
from headwater.wal.slot import check_log, next_epoch
from headwater.wal.stream import ReplicationRefused, ReplicationStream, SlotBusy, StreamLost, System
from headwater.wal.unfinished import drop_unfinished

_RESTART = Backoff(first=0.1, most=5.0)
_FIXED_BY_A_RESTART = (StreamLost, SlotBusy, LayoutChanged, Fenced, DbError, *FOREIGN)


async def run_relay(
    url: str,
    settings: Settings,
    stop: asyncio.Event,
    *,
    ready: Callable[[], None] = lambda: None,
    step: Callable[[str], None] = lambda name: None,
    metrics: Metrics | None = None,
) -> None:
    """Run the relay of `settings.slot` until `stop` is set; calls `ready` once, at the first take-over. It counts on
    `metrics`.

    Raises the `Gap` that applies, `ForeignSlot`, `LogNotPrepared`, `MalformedStream`, and `ReplicationRefused` for
    what no other error names. Lost connections, failed statements, a busy slot and a changed layout are retried.
    """
    end_counting = RelayMeter(metrics or Metrics()).listen()
    relaying = asyncio.create_task(_relay_for_ever(url, settings.slot, ready, step), name="relay")
    stopping = asyncio.create_task(stop.wait(), name="relay stops")
    try:
        await asyncio.wait({relaying, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if relaying.done():
            await relaying
    finally:
        relaying.cancel()
        stopping.cancel()
        await asyncio.gather(relaying, stopping, return_exceptions=True)
        end_counting()


async def _relay_for_ever(url: str, slot: str, ready: Callable[[], None], step: Callable[[str], None]) -> None:
    failures, is_first = 0, True
    while True:
        try:
            async with take_over(url, slot, step=step) as relay:
                failures = 0
                if is_first:
                    is_first = False
                    ready()
                await relay.run()
        except _FIXED_BY_A_RESTART as error:
            failures += 1
            pause = 0.0 if isinstance(error, LayoutChanged) else _RESTART.delay(failures)
            report(RelayInterrupted(reason=f"{type(error).__name__}: {error}", retry_in_seconds=pause))
            await asyncio.sleep(pause)


@asynccontextmanager
async def take_over(url: str, slot: str, *, step: Callable[[str], None] = lambda name: None) -> AsyncIterator[Relay]:
    """A relay that holds the slot and has fenced every other one. All its state ends with the context.

    Raises the `Gap` that applies, `ForeignSlot` and `LogNotPrepared`, `SlotBusy` while another process holds the slot,
    `StreamLost` and `DbError` when PostgreSQL cannot be reached, and asyncpg's errors for statements that fail.
    """
    control = await connect_control(url, "headwater relay appends")
    catalog = Catalog(url, slot)
    try:
        async with await ReplicationStream.connect(url, application_name="headwater relay") as stream:
            system = await stream.identify()
            await check_log(control, slot, system)
            await _start(control, stream, slot, system)
            head = await _take_head(control, slot, system)
            report(RelayStarted(slot=slot, position=str(head.position), term=head.term))
            snapshot = Snapshot.read(await control.fetchval("select pg_current_snapshot()"))
            appender = Appender(control, head, snapshot, Segments(control))
            yield Relay(stream, appender, control, catalog, step=step)
    finally:
        catalog.close()
        control.terminate()


async def _start(control: asyncpg.Connection, stream: ReplicationStream, slot: str, system: System) -> None:
    """Acquire the slot. If it changed since it was checked, raises the gap that this is."""
    try:
        await stream.start(slot, slot)
    except SlotBusy:
        raise
    except ReplicationRefused:
        await check_log(control, slot, system)
        raise


_TAKE = "update headwater.log set term = term + 1 where slot = $1"

_NUMBER = "select headwater.number_batches($1)"

_NEXT_EPOCH = "update headwater.log set position = $2, timeline = $3 where slot = $1"


async def _take_head(control: asyncpg.Connection, slot: str, system: System) -> Head:
    """Increment the term, which fences the previous writer, and delete the transaction that it left unfinished."""
    async with control.transaction():
        await control.execute(_TAKE, slot)
        head = await read_head(control, slot)
        await drop_unfinished(control, head.position)
        await control.execute(_NUMBER, slot)
        if system.timeline != head.timeline:
            position = next_epoch(head)
            await control.execute(_NEXT_EPOCH, slot, bytes(position), system.timeline)
            report(EpochOpened(epoch=position.epoch, timeline=system.timeline))
            head = await read_head(control, slot)
    return head
