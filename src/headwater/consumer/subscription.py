"""A subscription: which events an app's function is to be given, and how."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Literal, get_args, get_origin

from headwater.backoff import Backoff
from headwater.binding.signature import place_of
from headwater.part import Declaration
from headwater.types import Changed, Event

Interest = type[Event] | type[Changed[Any]]
"""An event class, or ``Changed[Product]`` for the rows of a table."""

Handler = Callable[..., Awaitable[None]]


class Subscription(Declaration, frozen=True, kw_only=True):
    """One consumer as the code declares it: ``@app.on(OrderPlaced)``.

    `name` is what its progress is stored under (``shop.reserve_stock``). With `batch` the handler receives up to that
    many events at once, as a list in the order of the log. An entry that fails is tried `retries` times more, after
    the waits of `backoff`, and then parked. A call that takes longer than `timeout` seconds has failed. A new
    consumer reads the whole log; with ``start="latest"``, what comes from now on. An event class that is added to a
    consumer counts from where that stands; to have its past as well, replay.
    """

    name: str
    app: str
    events: tuple[Interest, ...]
    handler: Handler
    batch: int | None = None
    retries: int = 8
    backoff: Backoff = Backoff()
    timeout: float = 30.0
    start: Literal["start", "latest"] = "start"

    def __str__(self) -> str:
        return f"the consumer {self.name}"

    @property
    def place(self) -> str:
        """Where the handler is written, for messages."""
        return place_of(self.handler)

    @property
    def writes(self) -> bool:
        return True


def tables_of(subscriptions: Iterable[Subscription]) -> list[str]:
    """The tables (``schema.table``) whose changes are wanted: what the publication has to hold."""
    return sorted(
        {
            table
            for subscription in subscriptions
            for interest in subscription.events
            if (table := table_of(interest)) is not None
        }
    )


def table_of(interest: Interest) -> str | None:
    """The table that an interest names, if it is one in rows; raises `TypeError` for rows of no table."""
    row = row_of(interest)
    if row is None:
        return None
    table: str | None = getattr(row, "__table__", None)
    if table is None:
        raise TypeError(f'{row.__name__} names no table: class {row.__name__}(Row, table="schema.table")')
    return table


def row_of(interest: Any) -> type | None:
    """The row class of ``Changed[Product]``; None for anything else."""
    if get_origin(interest) is not Changed:
        return None
    (row,) = get_args(interest)
    return row if isinstance(row, type) else None
