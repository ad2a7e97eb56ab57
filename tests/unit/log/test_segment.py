"""Segments: each position has one, and no two cover the same."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from headwater.log import Position, Segment
from headwater.log.segments import segment_for

spans = st.sampled_from([1, 8, 100, 1 << 20, 1 << 30])
positions = st.builds(Position, st.integers(0, 3), st.integers(0, 2**40), st.integers(0, 9))


@given(st.lists(st.tuples(positions, spans), max_size=30))
def test_every_position_gets_a_segment_and_none_overlap(wanted: list[tuple[Position, int]]) -> None:
    known: list[Segment] = []
    for position, span in wanted:
        if not any(segment.covers(position) for segment in known):
            segment = segment_for(position, known, span)
            assert segment.covers(position)
            assert segment.end - segment.begin <= span
            known.append(segment)
    for before, after in itertools.pairwise(sorted(known)):
        assert before.epoch < after.epoch or before.end <= after.begin


@given(positions, spans)
def test_a_name_is_read_again_and_fits(position: Position, span: int) -> None:
    segment = segment_for(position, [], span)
    assert Segment.named(segment.name) == segment
    assert len(segment.name) < 64


def test_the_largest_name_fits() -> None:
    assert len(Segment(2**32 - 1, 2**64 - 2, 2**64 - 1).name) < 64


def test_a_segment_begins_at_a_multiple_of_its_span() -> None:
    assert segment_for(Position(1, 2500, 3), [], 1000) == Segment(1, 2000, 3000)


def test_a_new_span_leaves_the_segments_of_the_old_one_alone() -> None:
    old = Segment(1, 2000, 3000)
    assert segment_for(Position(1, 3500, 0), [old], 10_000) == Segment(1, 3000, 10_000)
    assert segment_for(Position(1, 1500, 0), [old], 10_000) == Segment(1, 0, 2000)
    assert segment_for(Position(2, 2500, 0), [old], 10_000) == Segment(2, 0, 10_000)
