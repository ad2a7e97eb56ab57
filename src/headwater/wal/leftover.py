"""Parts of a large transaction beyond the head, left by a relay that ended in the middle of it. Nobody reads them.

They are deleted before anything moves the head: once it is past them, readers would see half a transaction.
"""

import asyncpg

from headwater.log import Position

_DROP = """
delete from headwater.batch
 where partition = any (select generate_series(0, (select max(partitions) from headwater.layout) - 1)::smallint)
   and last > $1
"""


async def drop_leftover(connection: asyncpg.Connection, head: Position) -> None:
    """Delete the batches beyond the head, in the transaction that holds the log's row."""
    await connection.execute(_DROP, bytes(head))
