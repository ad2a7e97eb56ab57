"""Replica identity: the columns by which PostgreSQL identifies the rows of a published table.

PostgreSQL refuses every update and delete of a published table without one. What counts is the identity that it would
use: the primary key, a chosen index, or the whole row; for a partitioned table that of each partition, whatever the
parent has.
"""

from collections.abc import Iterable

import asyncpg
import msgspec

from headwater.engines.engine import EngineError


class NoReplicaIdentity(EngineError):
    """The table {table} cannot be published: PostgreSQL would refuse every update and delete of its rows, because
    {reason}. Give it a primary key, or run: {remedy}"""


class UnidentifiedTable(msgspec.Struct, frozen=True):
    """A table whose updates and deletes PostgreSQL refuses once it is published; names are quoted where needed.

    `reason` completes a sentence that ends in *because*.
    """

    table: str
    reason: str
    index: str | None
    """An index that could be its replica identity."""

    @property
    def remedy(self) -> str:
        """The statement that sets a replica identity."""
        identity = f"USING INDEX {self.index}" if self.index else "FULL"
        return f"ALTER TABLE {self.table} REPLICA IDENTITY {identity};"

    def refusal(self) -> NoReplicaIdentity:
        """The error for this table."""
        return NoReplicaIdentity(table=self.table, reason=self.reason, remedy=self.remedy)


_NAMED = "select name::regclass::oid from unnest($1::text[]) as named(name)"

# By name and not by regclass, which needs the usage privilege on the schema.
_PUBLISHED = """
select class.oid
  from pg_publication_tables published
  join pg_publication using (pubname)
  join pg_namespace namespace on namespace.nspname = published.schemaname
  join pg_class class on class.relnamespace = namespace.oid and class.relname = published.tablename
 where (pubupdate or pubdelete)
"""

_UNIDENTIFIED = """
select format('%I.%I', namespace.nspname, class.relname) as table,
       case class.relreplident when 'n' then 'its replica identity is nothing'
                               when 'i' then 'the index of its replica identity was dropped'
                               else 'it has no primary key' end as reason,
       (select quote_ident(relname) from pg_index i join pg_class on pg_class.oid = i.indexrelid
         where i.indrelid = class.oid and i.indisunique and i.indimmediate and i.indisvalid
           and i.indpred is null and i.indexprs is null
           and not exists (select from pg_attribute a
                            where a.attrelid = class.oid and a.attnum = any(i.indkey) and not a.attnotnull)
         order by relname limit 1) as index
  from pg_class class
  join pg_namespace namespace on namespace.oid = class.relnamespace
 where class.relkind = 'r'
   and class.oid in (with wanted(oid) as ({wanted})
                     select oid from wanted
                      union
                     select relid from wanted, pg_partition_tree(wanted.oid) where isleaf)
   and class.relreplident <> 'f'
   and not exists (select from pg_index i where i.indrelid = class.oid
                     and case class.relreplident when 'd' then i.indisprimary when 'i' then i.indisreplident end)
 order by 1
"""


async def unidentified(connection: asyncpg.Connection, tables: Iterable[str]) -> list[UnidentifiedTable]:
    """Those of `tables`, each ``schema.table``, that cannot be published as they are."""
    return await _read(connection, _NAMED, list(tables))


async def unidentified_of_publication(connection: asyncpg.Connection, publication: str) -> list[UnidentifiedTable]:
    """Those whose updates or deletes `publication` publishes, so that PostgreSQL refuses them."""
    return await _read(connection, f"{_PUBLISHED} and pubname = $1", publication)


async def unidentified_of_schema(connection: asyncpg.Connection, schema: str) -> list[UnidentifiedTable]:
    """Those of `schema` whose updates or deletes any publication publishes."""
    return await _read(connection, f"{_PUBLISHED} and published.schemaname = $1", schema)


async def _read(connection: asyncpg.Connection, wanted: str, argument: object) -> list[UnidentifiedTable]:
    rows = await connection.fetch(_UNIDENTIFIED.replace("{wanted}", wanted), argument)
    return [UnidentifiedTable(**row) for row in rows]
