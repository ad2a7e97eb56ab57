"""Unfinished transactions: parts beyond the head, left by a relay that ended while it appended. Nobody reads them.

They are deleted before the head moves, because readers would see half a transaction once the head is past them.
"""

import asyncpg

from headwater.log import Position

_DROP = """
delete from headwater.batch
 where partition = any (select generate_series(0, (select max(partitions) from headwater.layout) - 1)::smallint)
   and last > $1
"""


async def drop_unfinished(connection: asyncpg.Connection, head: Position) -> None:
    """Delete the batches beyond the head, in the transaction that holds the log's row."""
    await connection.execute(_DROP, bytes(head))
