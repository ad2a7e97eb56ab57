"""Binding: a handler gets what its parameters' types ask for, or is refused with the reason."""

import asyncio
from typing import Any

import pytest

from headwater.binding import HandlerError, Services
from headwater.commit import Tx
from headwater.consumer import Delivery, Subscription
from headwater.consumer.handler import Handler
from headwater.log import EVENT, START
from headwater.types import Changed, Event, Row


class Opened(Event, key="id"):
    id: str


class Closed(Event, key="id"):
    id: str


class Product(Row, table="shop.product"):
    id: int


class Shop(Row, table="shop.shop"):
    id: int


class Nameless(Row):
    id: int


GOT: list[Any] = []
"""What the handler that was called last was given."""

TX: Any = object()
EVENT_ = Opened(id="1")
DELIVERY = Delivery("test.c", 0, START, "1", EVENT_, None, EVENT, b"")


def call(handler: Any, *events: Any, batch: int | None = None) -> Any:
    """What the handler was called with."""
    GOT.clear()
    subscription = Subscription(name="test.c", app="test", events=events or (Opened,), handler=handler, batch=batch)

    async def run() -> None:
        await Handler(subscription).link(Services())(TX, [DELIVERY] if batch else DELIVERY)

    asyncio.run(run())
    return list(GOT)


async def tx_event(tx: Tx, event: Opened) -> None:
    GOT.extend((tx, event))


async def event_tx(event: Opened, tx: Tx) -> None:
    GOT.extend((event, tx))


async def only_event(event: Opened) -> None:
    GOT.append(event)


async def all_three(tx: Tx, event: Opened, delivery: Delivery) -> None:
    GOT.extend((tx, event, delivery))


async def by_keyword(delivery: Delivery, *, event: Opened) -> None:
    GOT.extend((delivery, event))


async def union(event: Opened | Closed) -> None:
    GOT.append(event)


async def base(event: Event) -> None:
    GOT.append(event)


async def anything(event: Any) -> None:
    GOT.append(event)


async def lists(tx: Tx, events: list[Opened], deliveries: list[Delivery]) -> None:
    GOT.extend((events, deliveries))


@pytest.mark.parametrize(
    ("handler", "expected"),
    [
        (tx_event, [TX, EVENT_]),
        (event_tx, [EVENT_, TX]),
        (only_event, [EVENT_]),
        (all_three, [TX, EVENT_, DELIVERY]),
        (by_keyword, [DELIVERY, EVENT_]),
        (base, [EVENT_]),
        (anything, [EVENT_]),
    ],
)
def test_parameters_are_bound_by_type(handler: Any, expected: list[Any]) -> None:
    assert expected == call(handler)


def test_a_union_takes_every_event_that_is_subscribed() -> None:
    assert call(union, Opened, Closed) == [EVENT_]


def test_a_batch_comes_as_lists() -> None:
    assert call(lists, batch=10) == [[EVENT_], [DELIVERY]]


async def changes(event: Changed[Product] | Changed[Shop]) -> None: ...


async def any_change(event: Changed) -> None: ...  # type: ignore[type-arg]


async def nameless(event: Changed[Nameless]) -> None: ...


async def mixed(event: Changed[Product] | Opened) -> None: ...


@pytest.mark.parametrize(
    ("handler", "events"),
    [
        (changes, (Changed[Product], Changed[Shop])),
        (any_change, (Changed[Product],)),
        (mixed, (Changed[Product], Opened)),
    ],
)
def test_row_changes_are_bound_like_events(handler: Any, events: tuple[Any, ...]) -> None:
    Handler(Subscription(name="test.c", app="test", events=events, handler=handler))


async def wrong_event(event: Closed) -> None: ...


async def one_of_two(event: Opened) -> None: ...


async def one_of_two_rows(event: Changed[Product]) -> None: ...


async def untyped(event) -> None: ...  # type: ignore[no-untyped-def]


async def unknown(event: Opened, clock: int) -> None: ...


async def starred(*events: Opened) -> None: ...


async def no_event(tx: Tx) -> None: ...


def not_async(event: Opened) -> None: ...


async def unresolved(event: "Nowhere") -> None: ...  # type: ignore[name-defined]  # noqa: F821


async def single_in_batch(event: Opened) -> None: ...


async def list_without_batch(events: list[Opened]) -> None: ...


@pytest.mark.parametrize(
    ("handler", "events", "batch", "reason"),
    [
        (
            wrong_event,
            (Opened,),
            None,
            r"the parameter `event: Closed` cannot be bound\. It may be a Tx, Opened, Delivery",
        ),
        (one_of_two, (Opened, Closed), None, r"It may be a Tx, Opened \| Closed, Delivery"),
        (one_of_two_rows, (Changed[Product], Changed[Shop]), None, "the parameter `event"),
        (untyped, (Opened,), None, "the parameter `event` has no type"),
        (unknown, (Opened,), None, "the parameter `clock: int`"),
        (starred, (Opened,), None, "the parameter `\\*events"),
        (no_event, (Opened,), None, "no parameter takes the event"),
        (not_async, (Opened,), None, "not_async is not asynchronous"),
        (unresolved, (Opened,), None, "name 'Nowhere' is not defined"),
        (single_in_batch, (Opened,), 5, r"It may be a Tx, list\[Opened\], list\[Delivery\]"),
        (list_without_batch, (Opened,), None, "the parameter `events"),
        (only_event, (), None, "it names no event"),
        (nameless, (Changed[Nameless],), None, "Nameless names no table"),
        (lists, (Opened,), -1, "batch=-1 is less than 1"),
    ],
)
def test_what_cannot_be_bound_is_refused_with_the_reason(
    handler: Any, events: tuple[Any, ...], batch: int | None, reason: str
) -> None:
    with pytest.raises(HandlerError, match=reason):
        Handler(Subscription(name="test.c", app="test", events=events, handler=handler, batch=batch))
