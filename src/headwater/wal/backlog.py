"""The backlog: the WAL that the relay has not processed, what PostgreSQL retains for it, and how much budget is left.

It is one cheap query that can run every second.
"""

import asyncpg
import msgspec

from headwater.log import Position


class Backlog(msgspec.Struct, frozen=True, kw_only=True):
    """A log and its replication slot at one time. LSNs are bytes of WAL."""

    position: Position
    """The head of the log."""
    partitions: int
    segments: int
    log_bytes: int
    """The size of the log."""
    scanned: int
    """Every commit that ends before this LSN is in the log."""
    written: int
    """The LSN up to which WAL is written."""
    wal_status: str
    """reserved, extended, unreserved or lost; ``missing`` without a slot."""
    active: bool
    """Whether a relay reads from the slot."""
    held_bytes: int | None
    """WAL that PostgreSQL retains for the slot."""
    left_bytes: int | None
    """WAL that can still be written before PostgreSQL invalidates the slot; None without a limit."""
    oldest_transaction_seconds: float
    """The age of the oldest transaction that this role can see, or of the oldest prepared one: it pins WAL."""

    @property
    def behind_bytes(self) -> int:
        """WAL that the relay has not processed."""
        return max(0, self.written - self.scanned)


_BACKLOG = """
select l.position, y.partitions, g.segments, g.log_bytes, l.scanned, pg_current_wal_insert_lsn() as written,
       coalesce(s.wal_status, 'missing') as wal_status, coalesce(s.active, false) as active,
       pg_wal_lsn_diff(pg_current_wal_lsn(), s.restart_lsn)::bigint as held_bytes, s.safe_wal_size as left_bytes,
       coalesce(extract(epoch from clock_timestamp() - least(
           (select min(xact_start) from pg_stat_activity
             where backend_type = 'client backend' and pid <> pg_backend_pid()),
           (select min(prepared) from pg_prepared_xacts))), 0)::float8 as oldest_transaction_seconds
  from headwater.log l
  join headwater.layout y using (generation)
 cross join (select count(*) as segments, coalesce(sum(pg_total_relation_size(inhrelid)), 0)::bigint as log_bytes
               from pg_inherits where inhparent = 'headwater.batch'::regclass) g
  left join pg_replication_slots s on s.slot_name = l.slot
 where l.slot = $1
"""


async def read_backlog(connection: asyncpg.Connection, slot: str) -> Backlog | None:
    """The backlog now; None if the log is not prepared."""
    row = await connection.fetchrow(_BACKLOG, slot)
    if row is None:
        return None
    found = dict(row)
    return Backlog(
        **{
            **found,
            "position": Position.from_bytes(found["position"]),
            "scanned": int(found["scanned"]),
            "written": int(found["written"]),
        }
    )
