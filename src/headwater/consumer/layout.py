"""The layout of partitions, and the barrier over which it changes.

A key may come to stand in another partition, whose watermark is higher: applied entries would be repeated, others
lost. So the change has a position. Up to it the old layout holds, for the relay and for every consumer; a consumer
that has applied everything up to there in all its partitions passes over in one transaction, with new watermarks.
"""

from enum import Enum

from headwater.db import Connection, Pool, Session

_REPARTITION = "select headwater.repartition($1)"
_SWITCH = "select headwater.switch_layout($1)"


class Switch(Enum):
    """What became of a consumer at the barrier."""

    SWITCHED = "switched"
    CURRENT = "current"
    """There is no newer layout."""
    BEHIND = "behind"
    """It has not applied everything before the barrier."""
    BUSY = "busy"
    """One of its watermarks is locked."""


async def repartition(pool: Pool, partitions: int) -> int:
    """Split the log into another number of partitions from its head on; returns the generation of the layout.

    The relay, running or not, appends accordingly from then on, and consumers follow as they pass the barrier.
    """
    async with pool.acquire() as connection:
        return await Session(connection).one(int, _REPARTITION, partitions)


async def switch(connection: Connection, consumer: str) -> Switch:
    """Take a consumer over the next barrier, if it stands before it. One transaction, by itself."""
    return Switch(await connection.fetchval(_SWITCH, consumer))
