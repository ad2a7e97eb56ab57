"""A slot held against the log: which differences are a gap."""

import pickle

import pytest

from headwater.log import Head, Position
from headwater.wal.slot import (
    ForeignSlot,
    ForeignSystem,
    Gap,
    SlotAhead,
    SlotInvalidated,
    SlotMissing,
    SlotState,
    begin_epoch,
    check_slot,
    next_epoch,
)
from headwater.wal.stream import System

HEAD = Head(
    slot="headwater",
    position=Position(3, 0x16B3748, 2),
    scanned=0x16B3800,
    horizon=700,
    term=4,
    generation=1,
    partitions=16,
    system_identifier="42",
    timeline=1,
)
SYSTEM = System("42", 1, 0x16B5000, "shop")


def slot(
    plugin: str | None = "pgoutput",
    database: str | None = "shop",
    confirmed: int | None = 0x16B3800,
    status: str = "reserved",
    reason: str | None = None,
) -> SlotState:
    return SlotState(plugin, database, None, 0x16B3000, confirmed, status, None, 0, reason)


@pytest.mark.parametrize("confirmed", [0, 0x16B3000, 0x16B3800])
@pytest.mark.parametrize("status", ["reserved", "extended", "unreserved"])
def test_a_slot_at_or_behind_the_log_continues_it(confirmed: int, status: str) -> None:
    check_slot(HEAD, slot(confirmed=confirmed, status=status), SYSTEM)


@pytest.mark.parametrize(
    ("state", "system", "error", "reason"),
    [
        (None, SYSTEM, SlotMissing, "is gone"),
        (slot(status="lost"), SYSTEM, SlotInvalidated, "wal_status is lost"),
        (slot(reason="rows_removed"), SYSTEM, SlotInvalidated, "rows_removed"),
        (slot(confirmed=0x16B3801), SYSTEM, SlotAhead, "0/16B3801"),
        (slot(), SYSTEM._replace(identifier="43"), ForeignSystem, "on system 42, this is 43"),
        (None, SYSTEM._replace(identifier="43"), ForeignSystem, "on system 42, this is 43"),
    ],
)
def test_a_gap_names_the_log_the_database_and_the_way_out(
    state: SlotState | None, system: System, error: type[Gap], reason: str
) -> None:
    with pytest.raises(error) as raised:
        check_slot(HEAD, state, system)
    for fact in (reason, "3.0/16B3748.2", "0/16B3800", "0/16B5000", "headwater log reconcile", "--open-epoch"):
        assert fact in str(raised.value)
    again = pickle.loads(pickle.dumps(raised.value))
    assert (type(again), str(again)) == (error, str(raised.value))


@pytest.mark.parametrize("foreign", [slot(plugin="test_decoding"), slot(plugin=None), slot(database="other")])
def test_a_slot_of_somebody_else_is_no_gap(foreign: SlotState) -> None:
    with pytest.raises(ForeignSlot, match="HEADWATER_SLOT"):
        check_slot(HEAD, foreign, SYSTEM)


def test_a_new_epoch_begins_after_everything_and_before_its_first_commit() -> None:
    assert HEAD.position < next_epoch(HEAD) < Position(4, HEAD.position.commit_lsn + 8, 0)
    assert begin_epoch(4, 0x1000) < Position(4, 0x1000, 0)
    assert begin_epoch(4, 0x1000) > HEAD.position
