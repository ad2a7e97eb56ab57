"""The reader: what a consumer wants comes decoded, in order, from where it stands; the rest is passed over."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.clock import SystemClock
from headwater.commit import Origin, write_envelope
from headwater.consumer import Subscription, TooNew, UnknownColumn, Unreadable, tables_of
from headwater.consumer.reader import ANYTHING, LogReader, topics_of
from headwater.log import CHANGE, EVENT, MALFORMED, START, Entry, Position, write_entry
from headwater.log.batch import FORMAT
from headwater.types import Changed, Event, Row


class Opened(Event, key="id"):
    id: str


class Closed(Event, key="id"):
    id: str


class Product(Row, table="shop.product"):
    id: int
    stock: int = 0


class Nameless(Row):
    id: int


async def handler(event: Any) -> None: ...


def subscription(*events: Any) -> Subscription:
    return Subscription(name="test.c", app="test", events=events, handler=handler)


XID = 1 << 40


def body(event: Event, **changes: Any) -> bytes:
    written = write_envelope(event, Origin(app="test", command="test"), SystemClock())
    return msgspec.json.encode(msgspec.json.decode(written) | changes) if changes else written


def change(table: str) -> bytes:
    return msgspec.json.encode({"table": table, "operation": "insert", "key": {"id": 1}, "row": {"id": 1}, "id": "1"})


def batch(lsn: int, *entries: tuple[int, bytes]) -> tuple[bytes, bytes]:
    into = bytearray()
    for ordinal, (kind, text) in enumerate(entries):
        write_entry(into, Entry(Position(1, lsn, ordinal), kind, text, XID if kind < FORMAT else None))
    return bytes(Position(1, lsn, len(entries) - 1)), bytes(into)


@given(
    sizes=st.lists(st.lists(st.sampled_from([Opened, Closed]), min_size=1, max_size=6), max_size=6),
    limit=st.integers(1, 8),
    after=st.tuples(st.integers(0, 7), st.integers(0, 6)),
    cut=st.none() | st.tuples(st.integers(0, 7), st.integers(0, 6)),
)
def test_portions_follow_one_another_without_gap_or_repetition(
    sizes: list[list[type[Event]]], limit: int, after: tuple[int, int], cut: tuple[int, int] | None
) -> None:
    log = [
        (Position(1, lsn, ordinal), kind) for lsn, kinds in enumerate(sizes, 1) for ordinal, kind in enumerate(kinds)
    ]
    batches = [batch(lsn, *((EVENT, body(kind(id="x"))) for kind in kinds)) for lsn, kinds in enumerate(sizes, 1)]
    start, end = Position(1, *after), Position(1, 100, 0)
    fence = None if cut is None else Position(1, *cut)
    reader, got, at = LogReader("test.c", subscription(Opened)), [], start
    while True:
        portion = reader.portion(0, batches, at, end, fence, limit)
        assert len(portion.deliveries) <= limit
        got += [delivery.position for delivery in portion.deliveries]
        if portion.end == at or portion.end == end:
            break
        at = portion.end
    wanted = [place for place, kind in log if kind is Opened and place > start and (fence is None or place <= fence)]
    assert wanted == got


def test_a_delivery_says_where_its_event_stands() -> None:
    reader = LogReader("test.c", subscription(Opened))
    [delivery] = reader.portion(3, [batch(7, (EVENT, body(Opened(id="x"))))], START, None, None, 10).deliveries
    assert (delivery.consumer, delivery.partition, delivery.position) == ("test.c", 3, Position(1, 7, 0))
    assert (delivery.key, delivery.event, delivery.kind) == ("x", Opened(id="x"), EVENT)


def test_changed_rows_of_wanted_tables_are_delivered() -> None:
    reader = LogReader("test.c", subscription(Changed[Product]))
    batches = [batch(1, (CHANGE, change("shop.other")), (CHANGE, change("shop.product")), (MALFORMED, b"?"))]
    portion = reader.portion(0, batches, START, None, None, 10)
    assert [delivery.event.table for delivery in portion.deliveries] == ["shop.product"]
    assert portion.passed == 2


@pytest.mark.parametrize(
    ("kind", "text", "obstacle"),
    [
        (EVENT, body(Opened(id="x"), version=2), TooNew),
        (EVENT, body(Opened(id="x"), data={"id": 7}), Unreadable),
        (EVENT, body(Opened(id="x"), version=0, data={"id": 7}), TooNew),
        (9, b"of a kind from the future", TooNew),
        (0x20 | EVENT, b"in a format from the future", TooNew),
    ],
)
def test_what_cannot_be_read_ends_the_portion_before_it(kind: int, text: bytes, obstacle: type[Exception]) -> None:
    reader = LogReader("test.c", subscription(Opened))
    entries = [
        (EVENT, body(Opened(id="a"))),
        (EVENT, body(Closed(id="b"))),
        (kind, text),
        (EVENT, body(Opened(id="c"))),
    ]
    portion = reader.portion(0, [batch(1, *entries)], START, None, None, 10)
    assert [delivery.key for delivery in portion.deliveries] == ["a"]
    assert Position(1, 1, 1) == portion.end
    assert isinstance(portion.obstacle, obstacle)
    assert Entry(Position(1, 1, 2), kind, text, XID if kind < FORMAT else None) == portion.obstructing


def test_an_unknown_version_of_an_event_that_is_not_wanted_is_nobodys_trouble() -> None:
    reader = LogReader("test.c", subscription(Opened))
    portion = reader.portion(0, [batch(1, (EVENT, body(Closed(id="x"), version=9)))], START, None, None, 10)
    assert (portion.obstacle, portion.passed) == (None, 1)


def test_topics_say_what_a_batch_is_about() -> None:
    entries = [(EVENT, body(Opened(id="x"))), (CHANGE, change("shop.product")), (MALFORMED, b"?")]
    assert {"Opened", "table:shop.product", ""} == topics_of(*batch(1, *entries))
    assert {ANYTHING} == topics_of(*batch(1, (77, b"from the future")))
    assert {ANYTHING} == topics_of(bytes(START), b"cut short")
    assert ANYTHING in LogReader("test.c", subscription(Opened)).topics


def test_the_publication_holds_the_tables_that_are_followed() -> None:
    assert tables_of([subscription(Opened), subscription(Changed[Product], Opened)]) == {"shop.product": ()}
    with pytest.raises(TypeError, match="Nameless names no table"):
        tables_of([subscription(Changed[Nameless])])


def test_the_publication_knows_the_columns_whose_old_values_anybody_wants() -> None:
    first = Subscription(name="test.a", app="test", events=(Changed[Product], Opened), handler=handler, old=("stock",))
    second = Subscription(name="test.b", app="test", events=(Changed[Product],), handler=handler, old=("id",))
    assert tables_of([first, second, subscription(Changed[Product])]) == {"shop.product": ("id", "stock")}


def test_an_old_value_of_a_column_that_no_followed_row_has_is_refused() -> None:
    wrong = Subscription(name="test.a", app="test", events=(Changed[Product],), handler=handler, old=("stok",))
    with pytest.raises(UnknownColumn, match="They have: id, stock"):
        tables_of([wrong])


def test_a_consumer_is_given_the_old_values_that_it_declared() -> None:
    declared = Subscription(name="test.a", app="test", events=(Changed[Product],), handler=handler, old=("stock",))
    text = {"table": "shop.product", "operation": "update", "key": {"id": 1}, "row": {"id": 1, "stock": 2}, "id": "1"}
    entry = (CHANGE, msgspec.json.encode({**text, "old": {"id": 1, "stock": 3}}))
    [delivery] = LogReader("test.a", declared).portion(0, [batch(1, entry)], START, None, None, 10).deliveries
    assert (delivery.event.old, delivery.xid) == ({"stock": 3}, XID)
