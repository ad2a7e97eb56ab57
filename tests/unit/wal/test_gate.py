"""Snapshots: what one moment sees, of ids that came without their upper half."""

from hypothesis import given
from hypothesis import strategies as st

from headwater.wal.gate import Snapshot

LOW_32_BITS = 2**32 - 1
near = st.integers(-(2**31) + 1, 2**31 - 1)
wraps = st.sampled_from([2**32, 2**33, 7 * 2**32])
moments = st.one_of(
    st.integers(3, 2**63), st.builds(lambda wrap, distance: wrap + distance, wraps, st.integers(-50, 50))
)


@given(moments, near)
def test_a_recent_id_is_widened_across_the_wrap(xmax: int, distance: int) -> None:
    xid = max(xmax + distance, 0)
    assert Snapshot(xmax, xmax, frozenset()).widen(xid & LOW_32_BITS) == xid


@given(moments, st.sets(st.integers(0, 60)), st.lists(st.integers(-60, 60)))
def test_unseen_are_those_in_progress_and_those_to_come(xmin: int, running: set[int], distances: list[int]) -> None:
    in_progress = frozenset(xmin + offset for offset in running)
    snapshot = Snapshot(xmin, xmin + 40, in_progress)
    xids = [xid for distance in distances if (xid := xmin + distance) >= 0]
    expected = [xid for xid in xids if xid in in_progress or xid >= xmin + 40]

    assert [xid for xid in xids if not snapshot.sees(xid)] == expected
    assert snapshot.unseen([xid & LOW_32_BITS for xid in xids]) == expected


def test_a_snapshot_is_read_from_what_postgres_sends() -> None:
    snapshot = Snapshot.read((10, 14, (10, 12)))
    assert [xid for xid in range(8, 16) if snapshot.sees(xid)] == [8, 9, 11, 13]
