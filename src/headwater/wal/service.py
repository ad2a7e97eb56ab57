"""The relay as a service: it connects, takes over the log, relays until something breaks, and begins again.

What a reconnect can mend is retried with backoff for ever, and told. What it cannot (a `Gap`, a stream that makes no
sense) is raised: the process stops, and a person decides.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import asyncpg

from headwater.log import Position
from headwater.log.head import Head, read_head
from headwater.log.segments import Segments
from headwater.observe import Occurrence, report
from headwater.settings import Settings
from headwater.wal.appender import Appender, Fenced, Relaid
from headwater.wal.gate import Snapshot
from headwater.wal.relay import Relay
from headwater.wal.slot import check_slot, next_epoch, read_slot
from headwater.wal.stream import ReplicationStream, SlotBusy, StreamLost, System

_FIRST_BACKOFF_SECONDS = 0.05
_LONGEST_BACKOFF_SECONDS = 5.0


class RelayStarted(Occurrence, frozen=True):
    """This relay writes the log now."""

    slot: str
    position: str
    term: int


class RelayInterrupted(Occurrence, frozen=True):
    """The relay lost its connections or its place; it begins again from the slot."""

    reason: str
    retry_in_seconds: float


class EpochOpened(Occurrence, frozen=True):
    """The timeline changed under a slot that lost nothing, as in a planned failover: positions go on in a new epoch."""

    epoch: int
    timeline: int


async def run_relay(
    url: str,
    settings: Settings,
    stop: asyncio.Event,
    *,
    step: Callable[[str], None] = lambda name: None,
) -> None:
    """Be the relay of `settings.slot` until `stop` is set. Raises `Gap` and `MalformedStream`; retries the rest."""
    backoff = _FIRST_BACKOFF_SECONDS
    while not stop.is_set():
        try:
            async with take_over(url, settings.slot, step=step) as relay:
                backoff = _FIRST_BACKOFF_SECONDS
                await relay.run(stop)
        except (StreamLost, SlotBusy, Relaid, Fenced, OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            pause = 0.0 if isinstance(error, Relaid) else backoff * random.uniform(0.5, 1)
            backoff = min(backoff * 2, _LONGEST_BACKOFF_SECONDS)
            report(RelayInterrupted(reason=f"{type(error).__name__}: {error}", retry_in_seconds=pause))
            await _pause(stop, pause)


@asynccontextmanager
async def take_over(url: str, slot: str, *, step: Callable[[str], None] = lambda name: None) -> AsyncIterator[Relay]:
    """A relay that holds the slot and has fenced every other one. All its state dies with the context."""
    control = await asyncpg.connect(url, server_settings={"application_name": "headwater relay appends"})
    try:
        async with await ReplicationStream.connect(url, application_name="headwater relay") as stream:
            system = await stream.identify()
            check_slot(await read_head(control, slot), await read_slot(control, slot), system)
            await stream.start(slot, slot)
            head = await _take_head(control, slot, system)
            report(RelayStarted(slot=slot, position=str(head.position), term=head.term))
            snapshot = Snapshot.read(await control.fetchval("select pg_current_snapshot()"))
            appender = Appender(control, head, snapshot, Segments(control))
            yield Relay(stream, appender, control, step=step)
    finally:
        control.terminate()


_TAKE = "update headwater.log set term = term + 1 where slot = $1"

_NEXT_EPOCH = "update headwater.log set position = $2, timeline = $3 where slot = $1"

_FORGET_UNFINISHED = """
delete from headwater.batch
 where partition = any (select generate_series(0, (select max(partitions) from headwater.layout) - 1)::smallint)
   and last > $1
"""


async def _take_head(control: asyncpg.Connection, slot: str, system: System) -> Head:
    """Raise the term, which ends whoever wrote before, and drop the parts of a transaction it left unfinished."""
    async with control.transaction():
        await control.execute(_TAKE, slot)
        head = await read_head(control, slot)
        if system.timeline != head.timeline:
            position: Position = next_epoch(head)
            await control.execute(_NEXT_EPOCH, slot, bytes(position), system.timeline)
            report(EpochOpened(epoch=position.epoch, timeline=system.timeline))
            head = await read_head(control, slot)
        await control.execute(_FORGET_UNFINISHED, bytes(head.position))
    return head


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
