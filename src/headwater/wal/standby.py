"""The standbys of the relay's database, each known by its physical replication slot.

Every standby that synchronizes slots streams through a physical slot of the primary; PostgreSQL requires it, and tools
that copy slots do the same. The ``restart_lsn`` of that slot is what the standby has flushed. It stays known while the
standby is disconnected.

Source: PostgreSQL manual, "Logical Decoding: Replication Slot Synchronization".
"""

import asyncpg
import msgspec


class Standby(msgspec.Struct, frozen=True):
    """A standby that streams through one physical slot."""

    slot: str
    flushed_lsn: int | None
    """None until the slot has been used."""
    is_lost: bool
    """PostgreSQL has invalidated the slot."""

    def has(self, lsn: int) -> bool:
        """Whether it has flushed everything before `lsn`, and can go on streaming."""
        return not self.is_lost and self.flushed_lsn is not None and self.flushed_lsn >= lsn


class Replication(msgspec.Struct, frozen=True):
    """The WAL, the relay's slot and the standbys at one time."""

    committed_lsn: int
    """Every commit of the connection ends at or before it, and a standby can reach it."""
    held_bytes: int
    """WAL that PostgreSQL retains for the relay's slot."""
    safe_bytes: int | None
    """WAL that can still be written before PostgreSQL invalidates that slot; None without a limit."""
    standbys: list[Standby]

    def behind(self, lsn: int) -> set[str]:
        """The slots of the standbys that lack something before `lsn`."""
        return {standby.slot for standby in self.standbys if not standby.has(lsn)}

    def lost(self) -> set[str]:
        return {standby.slot for standby in self.standbys if standby.is_lost}

    def is_half_used(self) -> bool:
        """Whether more of ``max_slot_wal_keep_size`` is used up than is left."""
        return self.safe_bytes is not None and self.held_bytes > self.safe_bytes


# With synchronous_commit off, a commit may not be flushed yet; only the insert position is certainly beyond it.
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
    """The current state; `committed_lsn` covers every earlier commit of `connection`."""
    row = await connection.fetchrow(_READ, slot)
    standbys = [Standby(name, None if lsn is None else int(lsn), lost) for name, lsn, lost in row["standbys"]]
    return Replication(int(row["committed"]), row["held"] or 0, row["safe"], standbys)
