"""Cursors: what is written is read again, and nothing else is."""

import base64
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.msgpack import Decoder

from headwater.http.message.problem import Problem
from headwater.http.page.cursor import LENGTH_LIMIT, Bounds, CursorPosition, read_cursor, write_cursor
from headwater.keyring import Key, Keys
from tests.generics import of

KEY = Key.derived(b"s" * 32, "page cursor")
KEYS = Keys(KEY, {KEY.id: KEY})
BOUNDS = Bounds(b"shop GET /products", "-born,name", b"digest")
KINDS = tuple[date | None, str, UUID]
PLACE = CursorPosition((date(2000, 1, 1), "Ada", UUID(int=7)))
EXPIRES, NOW = 2_000, 1_000
CURSOR = write_cursor(PLACE, BOUNDS, EXPIRES, KEYS)

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(1 << 63), (1 << 63) - 1),
    st.floats(allow_nan=False),
    st.decimals(allow_nan=False),
    st.text(),
    st.uuids(),
    st.dates(),
    st.times(),
    st.datetimes(timezones=st.just(UTC)),
    st.datetimes(),
)


def refused(text: str, bounds: Bounds = BOUNDS, now: int = NOW, keys: Keys = KEYS, kinds: Any = KINDS) -> bool:
    try:
        read_cursor(text, bounds, now, keys, Decoder(kinds))
    except Problem as problem:
        return (problem.status, problem.type) == (400, "urn:headwater:problem:cursor-invalid")
    return False


@given(values=st.lists(VALUES, min_size=1, max_size=5), backward=st.booleans(), inclusive=st.booleans())
def test_a_place_survives_its_cursor_exactly(values: list[Any], backward: bool, inclusive: bool) -> None:
    place = CursorPosition(tuple(values), backward, inclusive)
    kinds = of(tuple, *map(type, values))
    assert read_cursor(write_cursor(place, BOUNDS, EXPIRES, KEYS), BOUNDS, NOW, KEYS, Decoder(kinds)) == place


@pytest.mark.parametrize(
    "value", [float("inf"), Decimal("NaN"), datetime.max.replace(tzinfo=UTC), time(12, tzinfo=UTC)]
)
def test_values_at_the_edge_survive_too(value: Any) -> None:
    cursor = write_cursor(CursorPosition((value,)), BOUNDS, EXPIRES, KEYS)
    assert repr(read_cursor(cursor, BOUNDS, NOW, KEYS, Decoder(of(tuple, type(value)))).values) == repr((value,))


@given(at=st.integers(min_value=0), bit=st.integers(0, 7))
def test_no_bit_of_a_cursor_can_be_turned(at: int, bit: int) -> None:
    data = bytearray(base64.urlsafe_b64decode(CURSOR + "=" * (-len(CURSOR) % 4)))
    data[at % len(data)] ^= 1 << bit
    assert refused(base64.urlsafe_b64encode(data).rstrip(b"=").decode())


@given(at=st.integers(min_value=0), other=st.characters(codec="utf-8"))
def test_no_character_of_a_cursor_can_be_another(at: int, other: str) -> None:
    at %= len(CURSOR)
    changed = CURSOR[:at] + other + CURSOR[at + 1 :]
    assert changed == CURSOR or refused(changed)


@given(at=st.integers(min_value=0), more=st.text(min_size=1, max_size=4))
def test_no_cursor_can_be_made_shorter_or_longer(at: int, more: str) -> None:
    at %= len(CURSOR)
    assert refused(CURSOR[:at])
    assert refused(CURSOR[at:]) or at == 0
    assert refused(CURSOR[:at] + more + CURSOR[at:])
    assert refused(CURSOR + more)


@given(text=st.text(max_size=200))
def test_what_nobody_signed_is_refused(text: str) -> None:
    assert refused(text)


@given(secret=st.binary(min_size=32, max_size=32), purpose=st.text())
def test_who_does_not_have_the_key_of_this_purpose_makes_no_cursor(secret: bytes, purpose: str) -> None:
    other = Key.derived(secret, purpose)
    named_alike = Key(KEY.id, other._secret)
    for key in (other, named_alike):
        assert refused(write_cursor(PLACE, BOUNDS, EXPIRES, Keys(key, {})))


@given(scope=st.binary(), sort=st.text(), filters=st.binary())
def test_a_cursor_is_good_within_its_bounds_only(scope: bytes, sort: str, filters: bytes) -> None:
    for bounds in (
        Bounds(scope, BOUNDS.sort, BOUNDS.filters),
        Bounds(BOUNDS.scope, sort, BOUNDS.filters),
        Bounds(BOUNDS.scope, BOUNDS.sort, filters),
    ):
        assert bounds == BOUNDS or refused(CURSOR, bounds)


def test_a_cursor_ends_at_its_time() -> None:
    assert not refused(CURSOR, now=EXPIRES - 1)
    assert refused(CURSOR, now=EXPIRES)


def test_a_cursor_whose_columns_have_become_others_is_refused() -> None:
    assert refused(CURSOR, kinds=tuple[int, str, UUID])
    assert refused(CURSOR, kinds=tuple[date, str])


def test_what_is_too_long_is_not_even_decoded() -> None:
    assert refused("A" * (LENGTH_LIMIT + 1))
