"""The standbys of the database that the relay reads, as their physical replication slots tell of them.

A standby takes over the relay's slot by slot synchronization, for which PostgreSQL demands that it streams through a
physical slot; tools that copy slots give each standby one too. The ``restart_lsn`` of that slot is what the standby
has flushed, and stays known while the standby is away.

Source: PostgreSQL manual, "Logical Decoding: Replication Slot Synchronization".
"""

import asyncpg
import msgspec


class Standby(msgspec.Struct, frozen=True):
    """Whoever streams through one physical slot."""

    slot: str
    flushed_lsn: int | None
    """None until it has received anything."""
    is_lost: bool
    """PostgreSQL has invalidated the slot."""

    def has(self, lsn: int) -> bool:
        """Whether it keeps everything before `lsn`."""
        return not self.is_lost and self.flushed_lsn is not None and self.flushed_lsn >= lsn


class Replication(msgspec.Struct, frozen=True):
    """The WAL, the relay's slot and the standbys at one moment."""

    committed_lsn: int
    """Everything that the connection has committed is before it, and a standby can reach it."""
    held_bytes: int
    """WAL that PostgreSQL keeps for the relay's slot."""
    safe_bytes: int | None
    """WAL that can still be written before that slot is lost; None without a limit."""
    standbys: list[Standby]

    def behind(self, lsn: int) -> set[str]:
        """The slots of the standbys that lack something before `lsn`."""
        return {standby.slot for standby in self.standbys if not standby.has(lsn)}

    def lost(self) -> set[str]:
        return {standby.slot for standby in self.standbys if standby.is_lost}

    def is_half_used(self) -> bool:
        """Whether more of ``max_slot_wal_keep_size`` is used up than is left."""
        return self.safe_bytes is not None and self.held_bytes > self.safe_bytes


# With synchronous_commit off, what has committed may not be flushed yet, and only the insert position is beyond it.
_READ = """
select case current_setting('synchronous_commit') when 'off' then pg_current_wal_insert_lsn()
                                                  else pg_current_wal_flush_lsn() end as committed,
       pg_wal_lsn_diff(pg_current_wal_lsn(), own.restart_lsn)::bigint as held,
       own.safe_wal_size as safe,
       array(select row(slot_name::text, restart_lsn, invalidation_reason is not null)
               from pg_replication_slots where slot_type = 'physical' and not temporary) as standbys
  from (select) as always left join pg_replication_slots own on own.slot_name = $1
"""


async def read_replication(connection: asyncpg.Connection, slot: str) -> Replication:
    """How far everybody is now; what `connection` committed before is covered."""
    row = await connection.fetchrow(_READ, slot)
    standbys = [Standby(name, None if lsn is None else int(lsn), lost) for name, lsn, lost in row["standbys"]]
    return Replication(int(row["committed"]), row["held"] or 0, row["safe"], standbys)
