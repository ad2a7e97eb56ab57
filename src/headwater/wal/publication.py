"""The publication: the tables whose row changes enter the log."""

from collections.abc import Iterable
from typing import Final

import asyncpg

from headwater.wal.errors import WalError


class NoReplicaIdentity(WalError):
    """The table {table} cannot be published: PostgreSQL would refuse every update and delete of its rows, because
    {reason}. Give it a primary key, or run: {statement};"""


PUBLICATION_EXISTS: Final = "select exists (select from pg_publication where pubname = $1)"

_QUOTED = """
select format('%I.%I', n.nspname, c.relname)
  from unnest($1::text[]) as named(name)
  join pg_class c on c.oid = named.name::regclass
  join pg_namespace n on n.oid = c.relnamespace
"""

_MEMBERS = """
select format('%I.%I', n.nspname, c.relname)
  from pg_publication p
  join pg_publication_rel r on r.prpubid = p.oid
  join pg_class c on c.oid = r.prrelid
  join pg_namespace n on n.oid = c.relnamespace
 where p.pubname = $1
"""

# A partition is updated under its own replica identity, whatever its parent has.
_UNIDENTIFIED = """
select format('%I.%I', n.nspname, c.relname) as table,
       case c.relreplident when 'n' then 'its replica identity is nothing'
                           when 'i' then 'the index of its replica identity is gone'
                           else 'it has no primary key' end as reason
  from unnest($1::text[]) as named(name)
 cross join lateral (
        select named.name::regclass as oid
         union
        select relid from pg_partition_tree(named.name::regclass) where isleaf) t
  join pg_class c on c.oid = t.oid
  join pg_namespace n on n.oid = c.relnamespace
 where c.relkind = 'r'
   and not (c.relreplident = 'f'
         or c.relreplident = 'd' and exists (select from pg_index where indrelid = c.oid and indisprimary)
         or c.relreplident = 'i' and exists (select from pg_index where indrelid = c.oid and indisreplident))
 order by 1
"""


async def publish(connection: asyncpg.Connection, publication: str, tables: Iterable[str], *, exact: bool) -> None:
    """Let the publication hold `tables`, each ``schema.table``; with `exact`, nothing else.

    Raises `NoReplicaIdentity` for a table whose rows could not be changed any more once it is published. A
    partitioned table is published as one, under its own name.
    """
    names = list(tables)
    await _check_identities(connection, names)
    await create_publication(connection, publication)
    name = await _quote(connection, publication)
    wanted = {row[0] for row in await connection.fetch(_QUOTED, names)}
    present = {row[0] for row in await connection.fetch(_MEMBERS, publication)}
    if missing := sorted(wanted - present):
        await connection.execute(f"alter publication {name} add table {', '.join(missing)}")
    if exact and (extra := sorted(present - wanted)):
        await connection.execute(f"alter publication {name} drop table {', '.join(extra)}")


async def create_publication(connection: asyncpg.Connection, publication: str) -> None:
    """Make the publication, with no table in it, if there is none."""
    if not await connection.fetchval(PUBLICATION_EXISTS, publication):
        name = await _quote(connection, publication)
        await connection.execute(f"create publication {name} with (publish_via_partition_root = true)")


async def _check_identities(connection: asyncpg.Connection, tables: list[str]) -> None:
    for table, reason in await connection.fetch(_UNIDENTIFIED, tables):
        statement = f"alter table {table} replica identity full"
        raise NoReplicaIdentity(table=table, reason=reason, statement=statement)


async def _quote(connection: asyncpg.Connection, name: str) -> str:
    quoted: str = await connection.fetchval("select quote_ident($1)", name)
    return quoted
