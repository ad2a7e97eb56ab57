"""Old values: the columns of published tables whose values before a change consumers have declared.

They are in the log only where the replica identity logs them: the columns of the identity or, under REPLICA IDENTITY
FULL, all. The relay reads the declarations with each Relation message, so a change of the declarations makes PostgreSQL
send the relations again.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Final

import asyncpg

from headwater.observe import report
from headwater.wal.occurrences import OldValuesNotLogged

_DECLARED: Final = "select relation, columns from headwater.old_value where publication = $1"
_DECLARE: Final = """
insert into headwater.old_value (publication, relation, columns) values ($1, $2, $3)
    on conflict (publication, relation) do update set columns = excluded.columns
"""
_FORGET: Final = "delete from headwater.old_value where publication = $1 and relation = any($2)"

_NOT_LOGGED: Final = """
with wanted as (select * from unnest($1::text[], $2::text[]) as w(relation, name))
select w.relation, array_agg(distinct w.name order by w.name) as columns
  from wanted w
 cross join lateral (select w.relation::regclass::oid as oid
                      union
                     select relid from pg_partition_tree(w.relation::regclass) where isleaf) member
  join pg_class c on c.oid = member.oid and c.relkind = 'r'
 where c.relreplident <> 'f'
   and not exists (select from pg_index i
                     join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any(i.indkey)
                    where i.indrelid = c.oid and a.attname = w.name
                      and case c.relreplident when 'd' then i.indisprimary when 'i' then i.indisreplident end)
 group by w.relation order by w.relation
"""


async def declare_old_values(
    connection: asyncpg.Connection, publication: str, wanted: Mapping[str, Collection[str]], *, exact: bool
) -> bool:
    """Declare these columns as well; with `exact`, remove all others. Returns whether that changed anything."""
    declared = {row["relation"]: set(row["columns"]) for row in await connection.fetch(_DECLARED, publication)}
    goal = {table: set(columns) | (set() if exact else declared.get(table, set())) for table, columns in wanted.items()}
    changed = {table: columns for table, columns in goal.items() if columns != declared.get(table, set())}
    gone = sorted(declared.keys() - goal.keys()) if exact else []
    for table, columns in changed.items():
        await connection.execute(_DECLARE, publication, table, sorted(columns))
    await connection.execute(_FORGET, publication, gone)
    await _tell_of_unlogged(connection, wanted.items())
    return bool(changed or gone)


async def _tell_of_unlogged(connection: asyncpg.Connection, wanted: Iterable[tuple[str, Collection[str]]]) -> None:
    pairs = [(table, column) for table, columns in wanted for column in columns]
    tables, columns = [table for table, _ in pairs], [column for _, column in pairs]
    for row in await connection.fetch(_NOT_LOGGED, tables, columns):
        remedy = f"ALTER TABLE {row['relation']} REPLICA IDENTITY FULL;"
        report(OldValuesNotLogged(table=row["relation"], columns=row["columns"], remedy=remedy))
