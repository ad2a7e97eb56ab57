"""A subscription: which events an app's function is to be given, and how."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Literal, get_args, get_origin

import msgspec

from headwater.backoff import Backoff
from headwater.binding.signature import location_of
from headwater.consumer.errors import UnknownColumn
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

    `old` names columns of followed rows whose values before a change the handler wants; the log has them where the
    table's replica identity does.
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
    old: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"the consumer {self.name}"

    @property
    def location(self) -> str:
        """Where the handler is written, for messages."""
        return location_of(self.handler)

    @property
    def writes(self) -> bool:
        return True


def tables_of(subscriptions: Iterable[Subscription]) -> dict[str, tuple[str, ...]]:
    """The tables (``schema.table``) whose changes are wanted, each with the columns whose old values are.

    It is what the publication has to hold. Raises `UnknownColumn`.
    """
    found: dict[str, set[str]] = {}
    for subscription in subscriptions:
        _refuse_unknown(subscription)
        for interest in subscription.events:
            if (table := table_of(interest)) is not None:
                found.setdefault(table, set()).update(_fields_of(interest) & set(subscription.old))
    return {table: tuple(sorted(columns)) for table, columns in sorted(found.items())}


def _refuse_unknown(subscription: Subscription) -> None:
    known = set().union(*map(_fields_of, subscription.events))
    for column in subscription.old:
        if column not in known:
            raise UnknownColumn(consumer=subscription.name, column=column, known=", ".join(sorted(known)) or "none")


def _fields_of(interest: Interest) -> set[str]:
    """The columns of a row class; none for an event."""
    row = row_of(interest)
    return set() if row is None else {field.encode_name for field in msgspec.structs.fields(row)}


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
