"""Snowflake ids as a part."""

from collections.abc import AsyncIterator

from headwater.binding import Resource
from headwater.clock import Clock
from headwater.db.pools import Pools
from headwater.ids.snowflakes import Snowflakes
from headwater.part import Part


def snowflake_ids() -> Part:
    """Ids for handlers, made with a worker number that is leased when the first is wanted."""
    return Part("ids", Resource(kind=Snowflakes, open=_open_snowflakes))


async def _open_snowflakes(pools: Pools, clock: Clock) -> AsyncIterator[Snowflakes]:
    ids = Snowflakes(pools.writes, clock=clock)
    try:
        yield ids
    finally:
        await ids.close()
