"""Ids of one worker: strictly increasing, whatever its clock does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.ids import ClockWentBack, Generator, SequenceExhausted, join, split
from headwater.ids.errors import TimeOutOfRange
from headwater.ids.generator import PATIENCE_MS
from headwater.ids.layout import EPOCH, SEQUENCES, WORKERS

TIMES = st.integers(0, (1 << 41) - 1)
STEPS = st.lists(st.integers(-PATIENCE_MS, 5) | st.integers(-(10**6), 10**6), max_size=300)


@given(TIMES, st.integers(0, WORKERS - 1), st.integers(0, SEQUENCES - 1))
def test_an_id_is_its_parts_again(time: int, worker: int, sequence: int) -> None:
    id = join(time, worker, sequence)
    assert split(id) == (time, worker, sequence)
    assert 0 <= id < 1 << 63


@given(st.tuples(TIMES, st.integers(0, WORKERS - 1)), st.tuples(TIMES, st.integers(0, WORKERS - 1)))
def test_ids_sort_by_time_first(one: tuple[int, int], other: tuple[int, int]) -> None:
    if one[0] < other[0]:
        assert join(*one, SEQUENCES - 1) < join(*other, 0)


@given(st.integers(10**9, 10**12), STEPS)
def test_ids_strictly_increase_on_any_clock(start: int, steps: list[int]) -> None:
    generator, now, refused = Generator(7), start, []
    ids: list[int] = []
    for step in steps:
        now = max(now + step, 0)
        try:
            ids.append(generator.take(now))
        except ClockWentBack:
            refused.append(generator.last - now)
    assert ids == sorted(set(ids))
    assert {split(id).worker for id in ids} <= {7}
    assert all(behind > PATIENCE_MS for behind in refused)


@given(st.integers(10**4, 10**12), st.integers(0, PATIENCE_MS))
def test_a_used_up_millisecond_is_waited_for_and_no_longer(now: int, behind: int) -> None:
    generator = Generator(0)
    ids = [generator.take(now) for _ in range(SEQUENCES)]
    with pytest.raises(SequenceExhausted) as exhausted:
        generator.take(now - behind)
    assert exhausted.value.milliseconds == behind + 1
    assert split(generator.take(now + 1)) == (now + 1, 0, 0)
    assert len(set(ids)) == SEQUENCES


def test_a_generator_uses_no_time_before_its_start() -> None:
    generator = Generator(3, start=500)
    assert split(generator.take(400)) == (500, 3, 0)
    with pytest.raises(ClockWentBack):
        Generator(3, start=5000).take(100)


def test_a_clock_is_waited_for_as_long_as_the_patience_lasts_and_not_a_millisecond_longer() -> None:
    generator = Generator(3, start=5000)
    assert split(generator.take(5000 - PATIENCE_MS)) == (5000, 3, 0)
    with pytest.raises(ClockWentBack, match=f"{PATIENCE_MS + 1}"):
        generator.take(5000 - PATIENCE_MS - 1)


def test_time_has_an_end_that_is_told() -> None:
    assert split(join((1 << 41) - 1, 0, 0)).made_at.year == 2094
    assert split(0).made_at == EPOCH
    for time in (-1, 1 << 41):
        with pytest.raises(TimeOutOfRange):
            join(time, 0, 0)
