"""What the slot is told, standby by standby, on a clock of the test's own."""

import asyncio
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.observe import Occurrence, subscribe
from headwater.wal.acknowledgement import (
    PATIENCE_SECONDS,
    READ_EVERY_SECONDS,
    Acknowledger,
    StandbyBehind,
    StandbyCaughtUp,
    StandbyGivenUp,
)
from headwater.wal.standby import Replication, Standby


class Primary:
    """A database whose relay appends at the end of its WAL, and its standbys."""

    def __init__(self, **flushed: int | None) -> None:
        self.now = 100.0
        self.end = 1000
        self.flushed = dict(flushed)
        self.lost: set[str] = set()
        self.held = 10
        self.safe: int | None = 90
        self.acknowledged: list[int] = []
        self.reads = 0
        self.acknowledger = Acknowledger(self.acknowledged.append, self._read, lambda: self.now)

    async def _read(self) -> Replication:
        self.reads += 1
        standbys = [Standby(slot, lsn, slot in self.lost) for slot, lsn in self.flushed.items()]
        return Replication(self.end, self.held, self.safe, standbys)

    def append(self) -> int:
        """Everything so far is scanned, and the append itself is written behind it."""
        scanned, self.end = self.end, self.end + 100
        self.acknowledger.appended(scanned)
        return scanned

    def settle(self, after: float = READ_EVERY_SECONDS) -> list[int]:
        """What the server has been told once a look was due."""
        self.now += after
        if self.acknowledger.is_due():
            asyncio.run(self.acknowledger.settle())
        return self.acknowledged


@pytest.fixture
def told() -> Iterator[list[Occurrence]]:
    occurrences: list[Occurrence] = []
    unsubscribe = subscribe(occurrences.append)
    yield occurrences
    unsubscribe()


def test_without_a_standby_an_append_is_acknowledged_at_once() -> None:
    primary = Primary()
    assert primary.append() == 1000
    assert primary.settle(after=0) == [1000]


def test_many_appends_are_one_look_and_none_is_no_look() -> None:
    primary = Primary()
    primary.settle()
    assert primary.reads == 0
    for _ in range(50):
        last = primary.append()
    assert primary.settle()[-1] == last
    primary.settle()
    assert primary.reads == 1


def test_an_append_waits_until_the_standby_has_all_of_it() -> None:
    primary = Primary(second=1000)
    primary.append()
    assert primary.settle() == []
    primary.flushed["second"] = 1099
    assert primary.settle() == []
    primary.flushed["second"] = 1100
    assert primary.settle() == [1000]


def test_the_slowest_standby_decides() -> None:
    primary = Primary(second=5000, third=1000)
    primary.append()
    assert primary.settle() == []
    primary.flushed["third"] = 1100
    assert primary.settle() == [1000]


def test_under_load_a_standby_that_is_always_a_little_behind_does_not_hold_the_slot_for_ever() -> None:
    primary = Primary(second=1000)
    for _ in range(10):
        primary.append()
        primary.settle()
        primary.flushed["second"] = primary.end - 1
    assert primary.acknowledged == sorted(set(primary.acknowledged))
    assert len(primary.acknowledged) >= 4


def test_a_standby_that_never_received_anything_is_waited_for_until_its_slot_is_dropped() -> None:
    primary = Primary(second=None)
    primary.append()
    assert primary.settle() == []
    del primary.flushed["second"]
    assert primary.settle() == [1000]


def test_a_standby_that_comes_later_is_waited_for() -> None:
    primary = Primary()
    primary.append()
    assert primary.settle() == [1000]
    primary.append()
    primary.flushed["second"] = 1000
    assert primary.settle() == [1000]


def test_a_standby_that_stays_behind_is_reported_once(told: list[Occurrence]) -> None:
    primary = Primary(second=1000, third=9000)
    primary.append()
    primary.settle()
    primary.settle(after=PATIENCE_SECONDS - 1)
    assert told == []
    primary.settle(after=1)
    primary.settle()
    assert told == [StandbyBehind(slots=["second"], waited_seconds=PATIENCE_SECONDS, held_bytes=10)]
    assert primary.acknowledger.standbys_behind() == ["second"]
    assert primary.acknowledged == []
    primary.flushed["second"] = 1100
    assert primary.settle() == [1000]
    assert primary.acknowledger.standbys_behind() == []


def test_a_standby_is_given_up_for_the_slots_sake_and_waited_for_again_once_it_has_caught_up(
    told: list[Occurrence],
) -> None:
    primary = Primary(second=1000)
    primary.append()
    primary.settle()
    primary.held, primary.safe = 51, 49
    assert primary.settle(after=PATIENCE_SECONDS - 1) == []
    assert primary.settle(after=1) == [1000]
    assert told == [StandbyGivenUp(slots=["second"], held_bytes=51)]

    primary.held, primary.safe = 1, 99
    last = primary.append()
    assert primary.settle()[-1] == last, "what it lacks anyway is no reason to hold more"
    assert primary.acknowledger.standbys_behind() == ["second"]

    primary.flushed["second"] = primary.end + 100
    last = primary.append()
    assert primary.settle()[-1] == last
    assert told[1:] == [StandbyCaughtUp(slots=["second"])]
    primary.append()
    assert primary.settle()[-1] == last, "it is waited for again"


def test_a_slot_that_fills_up_while_the_standbys_keep_up_gives_nobody_up(told: list[Occurrence]) -> None:
    primary = Primary(second=1000)
    primary.held, primary.safe = 90, 10
    for _ in range(100):
        primary.append()
        primary.settle(after=1.0)
        primary.flushed["second"] = primary.end
    assert told == []


def test_without_a_limit_a_standby_is_never_given_up(told: list[Occurrence]) -> None:
    primary = Primary(second=1000)
    primary.held, primary.safe = 1 << 40, None
    primary.append()
    primary.settle()
    assert primary.settle(after=1_000_000) == []
    assert [type(each) for each in told] == [StandbyBehind]


def test_an_invalidated_standby_is_given_up_at_once(told: list[Occurrence]) -> None:
    primary = Primary(second=9000)
    primary.lost.add("second")
    primary.append()
    assert primary.settle() == [1000]
    primary.append()
    primary.settle()
    assert told == [StandbyGivenUp(slots=["second"], held_bytes=10)]


@given(
    st.lists(
        st.one_of(
            st.just("append"),
            st.just("settle"),
            st.tuples(st.sampled_from(["second", "third"]), st.integers(0, 400)),
        ),
        max_size=60,
    )
)
def test_no_standby_that_is_waited_for_ever_lacks_the_append_of_what_is_acknowledged(steps: list[object]) -> None:
    primary = Primary(second=0, third=0)
    written: dict[int, int] = {}
    for step in steps:
        match step:
            case "append":
                scanned = primary.append()
                written[scanned] = primary.end
            case "settle":
                primary.settle()
                for acknowledged in primary.acknowledged:
                    assert all((lsn or 0) >= written[acknowledged] for lsn in primary.flushed.values())
            case (str(slot), int(more)):
                primary.flushed[slot] = min((primary.flushed[slot] or 0) + more * 10, primary.end)
