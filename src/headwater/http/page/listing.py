"""A listing: one page of rows, and the cursors of the adjacent pages."""

from typing import Generic, TypeVar

from headwater.types import Row

T = TypeVar("T")


class Listing(Row, Generic[T]):
    """Some rows in the order that was asked for.

    `next` and `previous` are the cursors of the pages behind and before it; null where there was none when this was
    read. `count` is the number of all rows that the filters let through, if it was asked for.
    """

    items: list[T]
    next: str | None = None
    previous: str | None = None
    count: int | None = None
