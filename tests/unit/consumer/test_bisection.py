"""Bisection: whatever fails, it comes to stand alone, and everything else is applied once."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.consumer.bisection import Bisection
from headwater.log import START, Position

counts = st.integers(1, 200)
failing = st.sets(st.integers(0, 199), max_size=8)
Told = Callable[[list[int], set[int]], tuple[int, int] | None]


def exactly(taken: list[int], bad: set[int]) -> tuple[int, int] | None:
    """A handler of single events: the first bad one is known."""
    return next(((index, index + 1) for index, number in enumerate(taken) if number in bad), None)


def in_tens(taken: list[int], bad: set[int]) -> tuple[int, int] | None:
    """A handler of batches: the batch is known."""
    found = exactly(taken, bad)
    return None if found is None else (found[0] // 10 * 10, min(found[0] // 10 * 10 + 10, len(taken)))


def somewhere(taken: list[int], bad: set[int]) -> tuple[int, int] | None:
    """A constraint checked at commit: nothing is known."""
    return (0, len(taken)) if bad.intersection(taken) else None


@pytest.mark.parametrize("tell", [exactly, in_tens, somewhere])
@given(count=counts, bad=failing, limit=st.integers(1, 60))
def test_bad_ones_are_set_aside_alone_and_the_others_applied_in_order(
    tell: Told, count: int, bad: set[int], limit: int
) -> None:
    applied, aside, transactions = follow(count, bad, limit, tell)
    assert aside == sorted(number for number in bad if number < count)
    assert applied == [number for number in range(count) if number not in bad]
    assert transactions <= count // limit + 1 + len(aside) * (2 * limit.bit_length() + 4)


def follow(count: int, bad: set[int], limit: int, tell: Told) -> tuple[list[int], list[int], int]:
    """What a lane does: numbers applied, numbers set aside, and how many transactions that took."""
    applied: list[int] = []
    aside: list[int] = []
    cuts, watermark, transactions = Bisection(), -1, 0
    while watermark < count - 1:
        transactions += 1
        cut = cuts.next_after(_position(watermark))
        end = count - 1 if cut is None else cut.ordinal - 1
        taken = list(range(watermark + 1, min(end + 1, watermark + 1 + limit)))
        found = tell(taken, bad)
        if found is None:
            applied += taken
            watermark = taken[-1]
        elif len(taken) == 1:
            aside += taken
            watermark = taken[0]
        else:
            cuts.close_in([_position(number) for number in taken], *found)
    return applied, aside, transactions


def test_cuts_that_the_watermark_has_passed_mean_nothing() -> None:
    cuts = Bisection()
    cuts.close_in([_position(number) for number in range(10)], 4, 5)
    assert cuts.next_after(START) == _position(3)
    assert cuts.next_after(_position(3)) == _position(4)
    assert cuts.next_after(_position(9)) is None


def test_an_earlier_failure_keeps_the_cuts_of_a_later_one() -> None:
    cuts = Bisection()
    cuts.close_in([_position(number) for number in range(10)], 8, 9)
    cuts.close_in([_position(number) for number in range(8)], 2, 3)
    assert [_position(1), _position(2), _position(7), _position(8)] == [
        cuts.next_after(_position(number)) for number in (-1, 1, 2, 7)
    ]


def _position(number: int) -> Position:
    return Position(1, 1, number + 1)
