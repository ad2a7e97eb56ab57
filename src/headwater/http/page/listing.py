"""A listing: one page of rows, and the cursors of the adjacent pages."""

from typing import Generic, TypeVar

from headwater.types import Row

T = TypeVar("T")


class Listing(Row, Generic[T]):
    """Some rows in the requested order.

    `next` and `previous` are the cursors of the adjacent pages; null if there was none when this page was read. `count`
    is the number of all rows that match the filters, if it was requested.
    """

    items: list[T]
    next: str | None = None
    previous: str | None = None
    count: int | None = None
