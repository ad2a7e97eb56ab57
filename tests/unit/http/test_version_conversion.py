"""Conversions: for any type that holds a converted one, there and back is where one was."""

from typing import Any, Generic, TypeVar, Union

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from headwater.http.version.conversion import Conversions
from headwater.http.version.converter import Converter, read_steps
from tests.generics import of

T = TypeVar("T")


class Money(msgspec.Struct, frozen=True, tag=True):
    cents: int


class MoneyV1(msgspec.Struct, frozen=True, tag=True):
    units: int
    rest: int = 0


class Plain(msgspec.Struct, frozen=True, tag=True):
    """Changed in no version."""

    text: str = ""


class Holder(msgspec.Struct, Generic[T], tag=True):
    item: T
    others: list[T] = []


class Wallet(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True, omit_defaults=True, tag=True):
    """Money, and whose it is."""

    main_part: Money
    by_name: dict[str, Money | None] = {}
    note: str | msgspec.UnsetType = msgspec.UNSET


def to_old(money: Money) -> MoneyV1:
    return MoneyV1(*divmod(money.cents, 100))


def to_new(money: MoneyV1) -> Money:
    return Money(money.units * 100 + money.rest)


STEPS = [
    Converter(version="1", direction="downgrade", convert=to_old),
    Converter(version="1", direction="upgrade", convert=to_new),
]
DOWN = Conversions(read_steps(STEPS, "1", "downgrade"), "downgrade")
UP = Conversions(read_steps(STEPS, "1", "upgrade"), "upgrade")

money = st.builds(Money, st.integers(0, 10_000))
plain = st.builds(Plain, st.text(max_size=3))
wallets = st.builds(
    Wallet,
    money,
    st.dictionaries(st.text(max_size=2), st.none() | money, max_size=2),
    st.just(msgspec.UNSET) | st.text(max_size=2),
)
Kind = tuple[Any, st.SearchStrategy[Any]]
"""A type, and values of it."""

leaves: list[Kind] = [
    (Money, money),
    (Plain, plain),
    (Wallet, wallets),
    (int, st.integers(-5, 5)),
    (Union[Money, Plain], st.one_of(money, plain)),  # noqa: UP007
]


def wider(inner: st.SearchStrategy[Kind]) -> st.SearchStrategy[Kind]:
    return st.one_of(
        inner.map(lambda kind: (of(list, kind[0]), st.lists(kind[1], max_size=2))),
        inner.map(lambda kind: (kind[0] | None, st.none() | kind[1])),
        inner.map(lambda kind: (of(dict, str, kind[0]), st.dictionaries(st.text(max_size=2), kind[1], max_size=2))),
        inner.map(lambda kind: (of(tuple, kind[0], ...), st.lists(kind[1], max_size=2).map(tuple))),
        inner.map(lambda kind: (of(tuple, int, kind[0]), st.tuples(st.integers(0, 3), kind[1]))),
        inner.map(
            lambda kind: (
                of(Holder, kind[0]),
                st.builds(lambda item, others: Holder(item, others), kind[1], st.lists(kind[1], max_size=2)),
            )
        ),
    )


kinds = st.recursive(st.sampled_from(leaves), wider, max_leaves=3)


@given(st.data())
def test_there_and_back_is_where_one_was(data: st.DataObject) -> None:
    kind, values = data.draw(kinds)
    value = data.draw(values)
    down, up = DOWN.of(kind), UP.of(kind)
    shown = value if down.convert is None else down.convert(value)
    body = msgspec.json.encode(shown)
    assert b'"cents"' not in body
    read = msgspec.json.decode(body, type=up.older)
    assert (read if up.convert is None else up.convert(read)) == value
    assert msgspec.json.encode(shown if down.convert is None else down.convert(value)) == body


def test_what_holds_nothing_converted_stays_itself() -> None:
    for kind in (int, Plain, list[Plain], dict[str, int], Holder[Plain], Plain | None):
        assert DOWN.of(kind) == (kind, None)


def test_a_derived_type_is_declared_as_its_newer_one_and_made_once() -> None:
    older = DOWN.of(Wallet).older
    assert DOWN.of(list[Wallet]).older == of(list, older)
    assert (older.__name__, older.__doc__) == ("Wallet", Wallet.__doc__)
    assert msgspec.json.encode(older(main_part=MoneyV1(1))) == (
        b'{"type":"Wallet","mainPart":{"type":"MoneyV1","units":1,"rest":0}}'
    )
    assert older.__struct_config__.forbid_unknown_fields
    assert older.__struct_config__.frozen
