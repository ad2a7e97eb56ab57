"""The replication slot, held against what the database remembers of it.

A slot that vanished, was invalidated, or stands beyond the log means that commits may exist which nobody will ever
decode. Each such state has its own error with the gap and the way out; none is mended silently (guarantee G10).
"""

import asyncpg
import msgspec

from headwater.log import Position, format_lsn
from headwater.log.head import Head, LogError
from headwater.wal.stream import System

_RUNBOOK = (
    "Run `headwater log reconcile` to see which rows changed in the gap, then "
    "`headwater log reconcile --open-epoch` to go on from now in a new epoch."
)


class Gap(LogError):
    """The log has a gap that cannot be filled: {reason}. The log ends at {position}; nothing after LSN {scanned} is
    in it, and the database is at {now}. {runbook}"""

    def __init__(self, *, reason: str, head: Head, now: int) -> None:
        super().__init__(
            reason=reason,
            position=head.position,
            scanned=format_lsn(head.scanned),
            now=format_lsn(now),
            runbook=_RUNBOOK,
        )


class SlotMissing(Gap):
    __doc__ = Gap.__doc__


class SlotInvalidated(Gap):
    __doc__ = Gap.__doc__


class SlotAhead(Gap):
    __doc__ = Gap.__doc__


class ForeignSystem(Gap):
    __doc__ = Gap.__doc__


class ForeignSlot(LogError):
    """The slot {slot!r} is not ours: it uses the plugin {plugin!r} in the database {database!r}. Set
    HEADWATER_SLOT to another name, or drop that slot."""


class SlotState(msgspec.Struct, frozen=True):
    """What ``pg_replication_slots`` says of the slot. LSNs are None where the slot holds none."""

    plugin: str | None
    database: str | None
    active_pid: int | None
    restart_lsn: int | None
    confirmed_flush_lsn: int | None
    wal_status: str | None
    """reserved, extended, unreserved or lost."""
    safe_wal_bytes: int | None
    """WAL that can still be written before the slot is lost; None without a limit."""
    held_bytes: int | None
    """WAL that PostgreSQL keeps for the slot."""
    invalidation_reason: str | None


_STATE = """
select plugin::text, database::text, active_pid, restart_lsn, confirmed_flush_lsn, wal_status, safe_wal_size,
       pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::bigint as held,
       to_jsonb(s) ->> 'invalidation_reason' as invalidation_reason
  from pg_replication_slots s where slot_name = $1
"""


async def read_slot(connection: asyncpg.Connection, slot: str) -> SlotState | None:
    """The slot's state now; None when there is no such slot."""
    row = await connection.fetchrow(_STATE, slot)
    return None if row is None else SlotState(*row)


def check_slot(head: Head, slot: SlotState | None, system: System) -> None:
    """Raise the `Gap` that keeps this slot from continuing this log, if there is one."""
    now = system.flushed_lsn
    if system.identifier != head.system_identifier:
        raise ForeignSystem(
            reason=f"the log was written on system {head.system_identifier}, this is {system.identifier}",
            head=head,
            now=now,
        )
    if slot is None:
        raise SlotMissing(reason=f"the replication slot {head.slot!r} is gone", head=head, now=now)
    if slot.plugin != "pgoutput" or slot.database != system.database:
        raise ForeignSlot(slot=head.slot, plugin=slot.plugin, database=slot.database)
    if slot.wal_status == "lost" or slot.invalidation_reason is not None:
        cause = slot.invalidation_reason or "wal_status is lost"
        raise SlotInvalidated(reason=f"the slot {head.slot!r} was invalidated ({cause})", head=head, now=now)
    confirmed = slot.confirmed_flush_lsn or 0
    if head.scanned and confirmed > head.scanned:
        raise SlotAhead(
            reason=f"the slot {head.slot!r} is at {format_lsn(confirmed)}, beyond the log, as after a restore",
            head=head,
            now=now,
        )


def next_epoch(head: Head) -> Position:
    """Where a new epoch begins: after everything that anybody can have seen of the one before."""
    return Position(head.position.epoch + 1, head.position.commit_lsn, 0)
