"""The replication slot, compared with what the database remembers of it.

If the slot is missing, invalidated, or beyond the log, there may be commits that can no longer be decoded. Each of
these states has its own error, which names the gap and the way out. None is repaired silently (guarantee G10).
"""

from typing import Self

import asyncpg
import msgspec

from headwater.log import Position, format_lsn
from headwater.log.errors import LogNotPrepared
from headwater.log.head import Head, read_head
from headwater.wal.errors import WalError
from headwater.wal.publication import PUBLICATION_EXISTS
from headwater.wal.stream import System

_RUNBOOK = (
    "Run `headwater log reconcile` to see which rows changed in the gap, then "
    "`headwater log reconcile --open-epoch` to continue from now in a new epoch."
)


class Gap(WalError):
    """The log has a gap that cannot be filled: {reason}. The log ends at {position}; nothing after LSN {scanned} is
    in it, and the database is at {now}. {runbook}"""

    @classmethod
    def after(cls, head: Head, system: System, reason: str) -> Self:
        """The gap between the head of the log and now."""
        return cls(
            reason=reason,
            position=str(head.position),
            scanned=format_lsn(head.scanned),
            now=format_lsn(system.flushed_lsn),
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


class PublicationMissing(Gap):
    __doc__ = Gap.__doc__


class ForeignSlot(WalError):
    """The slot {slot!r} belongs to another application: it uses the plugin {plugin!r} in the database {database!r}. Set
    HEADWATER_SLOT to another name, or drop the slot."""


class SlotState(msgspec.Struct, frozen=True):
    """The slot's row in ``pg_replication_slots``. An LSN is None where the slot has none."""

    plugin: str | None
    database: str | None
    active_pid: int | None
    restart_lsn: int | None
    confirmed_flush_lsn: int | None
    """None while the slot is still being created."""
    wal_status: str | None
    """reserved, extended, unreserved or lost."""
    safe_wal_bytes: int | None
    """WAL that can still be written before PostgreSQL invalidates the slot; None without a limit."""
    held_bytes: int | None
    """WAL that PostgreSQL retains for the slot."""
    invalidation_reason: str | None


_STATE = """
select plugin::text, database::text, active_pid, restart_lsn, confirmed_flush_lsn, wal_status, safe_wal_size,
       pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::bigint as held,
       to_jsonb(s) ->> 'invalidation_reason' as invalidation_reason
  from pg_replication_slots s where slot_name = $1
"""


async def read_slot(connection: asyncpg.Connection, slot: str) -> SlotState | None:
    """The slot's current state, or None if there is no such slot."""
    row = await connection.fetchrow(_STATE, slot)
    return None if row is None else SlotState(*row)


async def check_log(connection: asyncpg.Connection, slot: str, system: System) -> Head:
    """Return the head of the log if its slot can continue it; raises the `Gap` if not, and `LogNotPrepared`.

    The slot is read before the head. A running relay moves the head first and the slot second, so in the other order
    its slot could seem to be beyond the log.
    """
    state = await read_slot(connection, slot)
    head = await read_head(connection, slot)
    if head.scanned == 0:
        raise LogNotPrepared(slot=slot)
    check_slot(head, state, system)
    if not await connection.fetchval(PUBLICATION_EXISTS, slot):
        raise PublicationMissing.after(head, system, f"the publication {slot!r} is gone, and with it changes of rows")
    return head


def check_slot(head: Head, slot: SlotState | None, system: System) -> None:
    """Raise the `Gap` that prevents this slot from continuing this log, if there is one."""
    if slot is not None:
        check_ours(head.slot, slot, system)
    if system.identifier != head.system_identifier:
        reason = f"the log was written on system {head.system_identifier}, this is {system.identifier}"
        raise ForeignSystem.after(head, system, reason)
    if slot is None:
        raise SlotMissing.after(head, system, f"the replication slot {head.slot!r} is gone")
    if slot.wal_status == "lost" or slot.invalidation_reason is not None:
        cause = slot.invalidation_reason or "wal_status is lost"
        raise SlotInvalidated.after(head, system, f"the slot {head.slot!r} was invalidated ({cause})")
    confirmed = slot.confirmed_flush_lsn or 0
    if confirmed > head.scanned:
        cause = "a restore" if system.timeline == head.timeline else "the promotion of a standby that lacks appends"
        reason = f"the slot {head.slot!r} is at {format_lsn(confirmed)}, beyond the log, as after {cause}"
        raise SlotAhead.after(head, system, reason)


def check_ours(name: str, slot: SlotState, system: System) -> None:
    """Raise `ForeignSlot` for a slot that another application uses."""
    if slot.plugin != "pgoutput" or slot.database != system.database:
        raise ForeignSlot(slot=name, plugin=slot.plugin, database=slot.database)


def begin_epoch(epoch: int, lsn: int) -> Position:
    """The head of an empty epoch whose slot has every commit from `lsn` on; a commit at `lsn` itself comes after it."""
    return Position(epoch, lsn - 1, 0)


def next_epoch(head: Head) -> Position:
    """The first head of the next epoch: after every position that anybody can have seen in this one."""
    return Position(head.position.epoch + 1, head.position.commit_lsn, 0)
