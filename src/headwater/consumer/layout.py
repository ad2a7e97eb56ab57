"""The layout of partitions, and the barrier over which it changes.

A new layout moves keys to other partitions, whose watermarks differ: some entries would be applied twice, others lost.
So the change has a position, the barrier. Up to it the old layout holds, for the relay and for every consumer. A
consumer that has applied everything up to the barrier in all its partitions switches in one transaction, with new
watermarks.
"""

from enum import Enum

from headwater.db import Connection, Pool, Session

_REPARTITION = "select headwater.repartition($1)"
_SWITCH = "select headwater.switch_layout($1)"


class Switch(Enum):
    """The outcome for a consumer at the barrier."""

    SWITCHED = "switched"
    CURRENT = "current"
    """There is no newer layout."""
    BEHIND = "behind"
    """It has not applied everything before the barrier."""
    BUSY = "busy"
    """One of its watermarks is locked."""


async def repartition(pool: Pool, partitions: int) -> int:
    """Split the log into another number of partitions from its head on; returns the generation of the layout.

    From then on the relay appends accordingly, and each consumer switches when it passes the barrier.
    """
    async with pool.acquire() as connection:
        return await Session(connection).one(int, _REPARTITION, partitions)


async def switch(connection: Connection, consumer: str) -> Switch:
    """Take a consumer over the next barrier, if it has reached it, in a transaction of its own."""
    return Switch(await connection.fetchval(_SWITCH, consumer))
