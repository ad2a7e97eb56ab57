"""A campaign: the workload runs, faults strike, everything is left to catch up, the checker judges.

One seed decides the order of faults and the step at which each process kills itself in each life. Timing stays the
machine's own, so a seed repeats the plan, not every race.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import asyncpg
import msgspec

from headwater.commit import read_envelope
from headwater.log import EVENT, Position, read_entries, read_head
from headwater.settings import Settings
from headwater.testing import eventually
from tests.crash.checker import Verdict, Violation, check
from tests.crash.effects import CONSUMERS
from tests.crash.facts import Applied, Counted, Fact, Logged, Moved, Sighting
from tests.crash.faults import FAULTS
from tests.crash.world import World

RELAY_STEPS = ("received", "before append", "appended", "acknowledged")
CONSUMER_STEPS = ("claimed", "effects done", "watermark moved", "committed")
_PATIENCE_SECONDS = 12.0
_UNDERWAY_SECONDS = 30.0
_MARK = "select pg_logical_emit_message(true, 'headwater.heartbeat', '')"


class Plan(NamedTuple):
    """What a campaign does."""

    seed: int
    seconds: float
    faults: Sequence[str] = tuple(FAULTS)
    plant: str = "none"
    suicides: bool = True
    """Whether processes also kill themselves between two steps."""
    events: int = 0
    """How many the workload commits at least, however slow the machine is."""


async def run(plan: Plan, folder: Path) -> Verdict:
    """Break a world for a while and judge what is left."""
    dice = random.Random(plan.seed)
    async with World(folder) as world:
        _hire(world, plan, dice)
        await _wait_for(world, "select count(*) from crash.applied", 1)  # processes take their time to start
        until = time.monotonic() + plan.seconds
        struck: list[str] = []
        while time.monotonic() < until:
            await asyncio.sleep(dice.uniform(0.1, 0.6))
            if plan.faults:
                struck.append(dice.choice(plan.faults))
                await FAULTS[struck[-1]](world, dice)
        await _wait_for(world, "select count(*) from crash.ledger", plan.events)
        await world.crews["writers"].stop()
        try:
            await _catch_up(world)
        except TimeoutError as stuck:
            verdict = await _judge(world)
            return verdict._replace(violations=[*verdict.violations, _stuck(world, stuck, struck)])
        await world.crews["observer"].stop()
        return await _judge(world)


async def _wait_for(world: World, sql: str, count: int) -> None:
    """Until a query counts so many."""
    connection = await world.connect()
    try:
        await eventually(
            lambda: connection.fetchval(sql), lambda found: found >= count, seconds=_UNDERWAY_SECONDS, what=sql
        )
    finally:
        connection.terminate()


def _hire(world: World, plan: Plan, dice: random.Random) -> None:
    def suicide(steps: Sequence[str]) -> list[str]:
        return ["--kill", f"{dice.choice(steps)}:{dice.randint(2, 120)}"] if plan.suicides else []

    for relay in ("relay-0", "relay-1"):  # one holds the slot, the other waits for it
        world.hire(relay, lambda: ["relay", "--plant", plan.plant, *suicide(RELAY_STEPS)])
    for worker in range(2):
        world.hire(
            f"consumer-{worker}",
            partial(_consumer_arguments, plan, worker, lambda: suicide(CONSUMER_STEPS)),
        )
    world.hire("writers", lambda: ["writers", "--seed", str(dice.randint(0, 2**31))])
    world.hire("observer", lambda: ["observer"])


def _consumer_arguments(plan: Plan, worker: int, suicide: Callable[[], list[str]]) -> list[str]:
    return ["consumer", "--plant", plan.plant, "--worker", str(worker), "--workers", "2", *suicide()]


def _stuck(world: World, stuck: TimeoutError, struck: Sequence[str]) -> Violation:
    words = "".join(crew.last_words for name, crew in world.crews.items() if name.startswith("relay"))
    return Violation("catches up", 1, f"{stuck}; faults: {', '.join(struck)}; the relay said: …{words[-600:]}")


async def _catch_up(world: World) -> None:
    """Wait until everything committed is in the log and in every consumer's effects, while there is progress."""
    connection = await world.connect()
    try:
        committed = int(await connection.fetchval("select pg_current_wal_insert_lsn()"))
        await connection.execute(_MARK)
        await _while_it_shrinks("the log", lambda: _unlogged(connection, committed))
        for consumer in CONSUMERS:
            await _while_it_shrinks(consumer, partial(connection.fetchval, _UNAPPLIED, consumer))
    finally:
        connection.terminate()


_UNAPPLIED = """
select count(*) from crash.ledger l
 where not exists (select from crash.applied a where a.consumer = $1 and a.event = l.event)
"""


async def _unlogged(connection: asyncpg.Connection, committed: int) -> int:
    """Bytes of WAL before `committed` that the log's head has not passed."""
    head = await read_head(connection, Settings().slot)
    return max(committed - head.position.commit_lsn, 0)


async def _while_it_shrinks(what: str, measure: Callable[[], Awaitable[int]]) -> None:
    """Wait until `measure` is 0; raises `TimeoutError` when it has not become smaller for a while."""
    least, moved = None, time.monotonic()
    while (left := await measure()) > 0:
        if least is None or left < least:
            least, moved = left, time.monotonic()
        if time.monotonic() - moved > _PATIENCE_SECONDS:
            raise TimeoutError(f"{what} stands still with {left} to go")
        await asyncio.sleep(0.05)


async def _judge(world: World) -> Verdict:
    connection = await world.connect()
    try:
        ledger = [Fact(*row) for row in await connection.fetch("select event, tx, ordinal, key, seq from crash.ledger")]
        applied = [
            Applied(*row)
            for row in await connection.fetch("select consumer, key, seq, event from crash.applied order by id")
        ]
        sightings = [
            Sighting(*row)
            for row in await connection.fetch("select kind, detail, position from crash.sighting order by id")
        ]
        return check(ledger, await _read_log(connection), applied, sightings, await _read_batches(connection))
    finally:
        connection.terminate()


async def _read_log(connection: asyncpg.Connection) -> list[Logged]:
    """Every event of the log as its batches hold it, by partition: nothing is sorted or merged on the way."""
    head = await read_head(connection, Settings().slot)
    batches = await connection.fetch(
        "select partition, last, payload from headwater.batch where last <= $1 order by partition, last",
        bytes(head.position),
    )
    return [
        Logged(entry.position, batch["partition"], _fact(entry.body))
        for batch in batches
        for entry in read_entries(Position.from_bytes(batch["last"]).epoch, batch["payload"])
        if entry.kind == EVENT
    ]


async def _read_batches(connection: asyncpg.Connection) -> list[Counted]:
    head = await read_head(connection, Settings().slot)
    rows = await connection.fetch(
        "select partition, coalesce(base_offset, -1), count from headwater.batch where last <= $1 "
        "order by partition, last",
        bytes(head.position),
    )
    return [Counted(*row) for row in rows]


def _fact(body: bytes) -> Fact:
    event = msgspec.json.decode(read_envelope(body).data, type=Moved)
    return Fact(event.event, event.tx, event.ordinal, event.key, event.seq)
