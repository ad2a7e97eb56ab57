"""The catalog: what a Relation message does not contain about its table.

pgoutput marks the columns of the replica identity. Under REPLICA IDENTITY FULL these are all columns, and only the
system catalogs tell which of them are the primary key. Only they tell whether the partitions of a published table log
whole rows, and which old values consumers have declared.

The stream describes the past, the catalogs the present. They are read once the transaction of the message is visible,
so the description is never older than the message: after a table is altered, PostgreSQL sends its relation again. It
may be newer, when a relay that is behind receives rows from before the change; these get the key of the present table.
"""

import asyncio
import time
from typing import Final

import asyncpg
import msgspec

from headwater.observe import report
from headwater.wal.control import connect_control
from headwater.wal.gate import Snapshot
from headwater.wal.occurrences import CatalogUnseen
from headwater.wal.pgoutput import Relation

_PATIENCE_SECONDS: Final = 1.0
_FIRST_WAIT_SECONDS: Final = 0.0002
_LONGEST_WAIT_SECONDS: Final = 0.01

# Partitions are looked up without a lock, which ALTER TABLE would make this wait for.
_DESCRIBE: Final = """
with recursive tree(oid) as (
    select $1::oid
    union all
    select i.inhrelid from pg_inherits i join tree on i.inhparent = tree.oid join pg_class c on c.oid = i.inhrelid
     where c.relispartition
)
select pg_current_snapshot() as snapshot,
       array(select a.attname::text
               from pg_index i
               join pg_attribute a on a.attrelid = i.indrelid
                                  and a.attnum = any((i.indkey::int2[])[:i.indnkeyatts - 1])
              where i.indrelid = $1::oid and i.indisprimary and i.indisvalid) as primary_key,
       (select coalesce(bool_and(c.relreplident = 'f'), false)
          from tree join pg_class c using (oid) where c.relkind = 'r') as logs_rows,
       (select columns from headwater.old_value where publication = $2 and relation = $3) as old
"""


class RelationDescription(msgspec.Struct, frozen=True):
    """What is known about a table beside its Relation message."""

    primary_key: frozenset[str] = frozenset()
    logs_rows: bool = True
    """Under REPLICA IDENTITY FULL: whether the whole old row is logged, whichever partition it is in."""
    old: frozenset[str] = frozenset()
    """Columns whose values before a change are declared."""


class Catalog:
    """Looks up relations, on a connection of its own that is opened at the first lookup."""

    def __init__(self, url: str, publication: str) -> None:
        self._url = url
        self._publication = publication
        self._connection: asyncpg.Connection | None = None

    async def describe(self, relation: Relation, xid: int) -> RelationDescription:
        """Describe a relation, once the transaction with this 32-bit id is visible.

        Raises `DbError` and asyncpg's errors.
        """
        table = f"{relation.schema}.{relation.name}"
        wait, begun, told = _FIRST_WAIT_SECONDS, time.monotonic(), False
        while (description := await self._look(relation.id, table, xid)) is None:
            await asyncio.sleep(wait)
            wait = min(wait * 2, _LONGEST_WAIT_SECONDS)
            waited = time.monotonic() - begun
            if waited > _PATIENCE_SECONDS and not told:
                report(CatalogUnseen(table=table, waited_seconds=waited, xid=xid))
                told = True
        return description

    async def _look(self, relation: int, table: str, xid: int) -> RelationDescription | None:
        """The description by the catalogs now; None if they do not show the transaction yet."""
        if self._connection is None:
            self._connection = await connect_control(self._url, "headwater relay looks up")
        row = await self._connection.fetchrow(_DESCRIBE, relation, self._publication, table)
        snapshot = Snapshot.read(row["snapshot"])
        if not snapshot.sees(snapshot.widen(xid)):
            return None
        return RelationDescription(frozenset(row["primary_key"]), row["logs_rows"], frozenset(row["old"] or ()))

    def close(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
