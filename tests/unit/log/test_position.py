"""Positions: one order, as tuples, as bytes and along the log; one text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.log import START, Position, format_lsn, parse_lsn

u32, u64 = st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1)
positions = st.builds(Position, u32, u64, u32)


@given(positions, positions)
def test_bytes_are_ordered_as_positions_are(one: Position, other: Position) -> None:
    assert (one < other) == (bytes(one) < bytes(other))
    assert (one == other) == (bytes(one) == bytes(other))


@given(positions)
def test_bytes_and_text_are_read_again(position: Position) -> None:
    assert Position.from_bytes(bytes(position)) == position
    assert len(bytes(position)) == 16
    assert Position.parse(str(position)) == position
    assert Position.parse(str(position).lower()) == position


@given(u64)
def test_an_lsn_is_read_again(lsn: int) -> None:
    assert parse_lsn(format_lsn(lsn)) == lsn


def test_a_position_reads_as_postgres_writes_lsns() -> None:
    assert str(Position(1, 0x16B3748, 3)) == "1.0/16B3748.3"
    assert str(Position(4294967295, 2**64 - 1, 0)) == "4294967295.FFFFFFFF/FFFFFFFF.0"
    assert START < Position(0, 0, 1) < Position(0, 1, 0) < Position(1, 0, 0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1.0/16B3748",
        "0/16B3748.3",
        "1.16B3748.3",
        "1.0/16B3748.3 ",
        "-1.0/0.0",
        "1.0/100000000.3",
        "4294967296.0/0.0",
        "1.0/0.4294967296",
        "1.0/G.0",
        "1.0/0.٣",
        "1.0/0.0\n",
        "1_0.0/0.0",
    ],
)
def test_other_text_is_no_position(text: str) -> None:
    with pytest.raises(ValueError, match="not a position"):
        Position.parse(text)


@pytest.mark.parametrize("text", ["", "0", "0/", "/0", "0/100000000", "0x1/0", "+1/0", " 1/0", "1_0/0", "1/0\n"])
def test_other_text_is_no_lsn(text: str) -> None:
    with pytest.raises(ValueError, match="no LSN"):
        parse_lsn(text)


@pytest.mark.parametrize("size", [0, 15, 17])
def test_other_lengths_are_no_position(size: int) -> None:
    with pytest.raises(ValueError, match=f"not {size}"):
        Position.from_bytes(bytes(size))
