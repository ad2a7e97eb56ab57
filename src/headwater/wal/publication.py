"""The publication: the tables whose row changes enter the log."""

from collections.abc import Collection, Mapping
from typing import Final

import asyncpg

from headwater.engines.identity import unidentified
from headwater.wal.oldvalues import declare_old_values

PUBLICATION_EXISTS: Final = "select exists (select from pg_publication where pubname = $1)"

_OPTIONS: Final = "publish_via_partition_root = true"

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


async def publish(
    connection: asyncpg.Connection, publication: str, tables: Mapping[str, Collection[str]], *, exact: bool
) -> None:
    """Publish `tables`, each ``schema.table`` with the columns whose old values are declared.

    With `exact` nothing else stays published. Otherwise what others have published and declared stays.
    Raises `NoReplicaIdentity` for a table on which PostgreSQL would refuse updates and deletes once it is published. A
    partitioned table is published as one, under its own name.
    """
    names = list(tables)
    for table in await unidentified(connection, names):
        raise table.refusal()
    await create_publication(connection, publication)
    name = await _quote(connection, publication)
    wanted = {row[0] for row in await connection.fetch(_QUOTED, names)}
    present = {row[0] for row in await connection.fetch(_MEMBERS, publication)}
    if missing := sorted(wanted - present):
        await connection.execute(f"alter publication {name} add table {', '.join(missing)}")
    if exact and (extra := sorted(present - wanted)):
        await connection.execute(f"alter publication {name} drop table {', '.join(extra)}")
    if await declare_old_values(connection, publication, tables, exact=exact):
        await connection.execute(
            f"alter publication {name} set ({_OPTIONS})"
        )  # makes PostgreSQL send every relation again


async def create_publication(connection: asyncpg.Connection, publication: str) -> None:
    """Create the publication, without tables, if there is none."""
    if not await connection.fetchval(PUBLICATION_EXISTS, publication):
        name = await _quote(connection, publication)
        await connection.execute(f"create publication {name} with ({_OPTIONS})")


async def _quote(connection: asyncpg.Connection, name: str) -> str:
    quoted: str = await connection.fetchval("select quote_ident($1)", name)
    return quoted
