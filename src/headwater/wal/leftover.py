"""What a relay leaves behind that ended inside a large transaction: parts of it, beyond the head, which nobody reads.

They go before the head moves, by whatever hand: it must never come to stand behind them.
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
