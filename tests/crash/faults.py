"""Faults: each is one bad thing that happens to the world, named after what happens."""

import asyncio
import contextlib
import random
import signal
from collections.abc import Awaitable, Callable
from typing import Final

import asyncpg

from tests.crash.world import Crew, World

Fault = Callable[[World, random.Random], Awaitable[None]]


async def relay_killed(world: World, dice: random.Random) -> None:
    for relay in _crews(world, "relay"):
        relay.kill()


async def relay_killed_during_append(world: World, dice: random.Random) -> None:
    """The append waits for a lock that we hold; the relay dies with its statement under way. PostgreSQL may finish that
    statement when nobody waits for it any more, or the backend dies as well."""
    with contextlib.suppress(OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        connection = await world.connect()
        try:
            async with connection.transaction():
                await connection.execute("set local lock_timeout = '2s'")
                await connection.execute("select from headwater.log for update")
                await asyncio.sleep(dice.uniform(0.05, 0.2))
                await relay_killed(world, dice)
                if dice.random() < 0.7:
                    await connection.execute(_TERMINATE, "headwater relay appends")
        finally:
            connection.terminate()


async def relay_frozen_and_replaced(world: World, dice: random.Random) -> None:
    """Both relays stop as if suspended, and the server gives up on the one that it knew; then they wake one by one, so
    that the one which held the slot comes back to a log that another writes."""
    relays = _crews(world, "relay")
    dice.shuffle(relays)
    for relay in relays:
        relay.signal(signal.SIGSTOP)
    await world.execute(_TERMINATE, "headwater relay")
    for relay in relays:
        await asyncio.sleep(dice.uniform(0.1, 0.5))
        relay.signal(signal.SIGCONT)


async def walsender_killed(world: World, dice: random.Random) -> None:
    await world.execute(_TERMINATE, "headwater relay")


async def appender_killed(world: World, dice: random.Random) -> None:
    await world.execute(_TERMINATE, "headwater relay appends")


async def consumer_killed(world: World, dice: random.Random) -> None:
    dice.choice(_crews(world, "consumer")).kill()


async def consumer_frozen(world: World, dice: random.Random) -> None:
    consumer = dice.choice(_crews(world, "consumer"))
    consumer.signal(signal.SIGSTOP)
    await asyncio.sleep(dice.uniform(0.2, 0.6))
    consumer.signal(signal.SIGCONT)


async def writers_killed(world: World, dice: random.Random) -> None:
    world.crews["writers"].kill()


async def postgres_stopped_at_once(world: World, dice: random.Random) -> None:
    await world.restart_postgres(signal.SIGQUIT)


async def postgres_killed(world: World, dice: random.Random) -> None:
    await world.restart_postgres(signal.SIGKILL)


async def postgres_restarted(world: World, dice: random.Random) -> None:
    await world.restart_postgres(signal.SIGINT)


async def checkpoint(world: World, dice: random.Random) -> None:
    """What the slot confirmed becomes durable just now."""
    await world.execute("checkpoint")


async def standby_silent(world: World, dice: random.Random) -> None:
    """Commits are in the WAL and wait for a synchronous standby that is not there: nobody may see them yet."""
    await world.execute("alter system set synchronous_standby_names = 'nobody'")
    await world.execute("select pg_reload_conf()")
    await asyncio.sleep(dice.uniform(0.2, 0.5))
    await world.execute("alter system reset synchronous_standby_names")
    await world.execute("select pg_reload_conf()")


async def repartitioned(world: World, dice: random.Random) -> None:
    """Keys move to other partitions."""
    await world.execute("select headwater.repartition($1)", dice.choice([3, 8, 16, 24]))


def _crews(world: World, role: str) -> list[Crew]:
    return [crew for name, crew in world.crews.items() if name.startswith(role)]


_TERMINATE = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1"

FAULTS: Final[dict[str, Fault]] = {
    fault.__name__.replace("_", "-"): fault
    for fault in (
        relay_killed,
        relay_killed_during_append,
        relay_frozen_and_replaced,
        walsender_killed,
        appender_killed,
        consumer_killed,
        consumer_frozen,
        writers_killed,
        postgres_stopped_at_once,
        postgres_killed,
        postgres_restarted,
        checkpoint,
        standby_silent,
        repartitioned,
    )
}
