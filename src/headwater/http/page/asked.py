"""The parameters of a list request, read from its query string by a plan, with all errors."""

from collections.abc import Callable, Iterator
from typing import Annotated, Any, TypeVar

import msgspec

from headwater.http.message.target import QueryFields
from headwater.http.page.declaration import Count
from headwater.http.page.filter import Filter
from headwater.http.page.order import Order
from headwater.http.page.plan import COUNT, CURSOR, FIELDS, LIMIT, SORT, PagePlan
from headwater.http.types.inputerror import InputError, Invalid
from headwater.http.types.scalar import reader_of
from headwater.http.types.shape import shape_of

T = TypeVar("T")


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """`sort` is the string that `order` is parsed from. Empty `fields` mean all."""

    sort: str
    order: Order
    limit: int
    cursor: str | None = None
    count: Count = "none"
    fields: tuple[str, ...] = ()
    filters: tuple[tuple[Filter, Any], ...] = ()


class Asking:
    """Reads the parameters of requests for one plan."""

    def __init__(self, plan: PagePlan) -> None:
        self._plan = plan
        limit = reader_of(shape_of(Annotated[int, msgspec.Meta(ge=1, le=plan.pages.most)]))
        assert limit is not None
        self._limit = limit
        self._nothing = Asked(sort=plan.default, order=plan.default_order, limit=plan.pages.limit)

    def read(self, query: QueryFields) -> tuple[Asked, list[InputError]]:
        """The parameters and their errors; with errors, the parameters are not usable."""
        if not query:
            return self._nothing, []
        errors: list[InputError] = []

        def take(name: str, read: Callable[[str], T], otherwise: T) -> T:
            texts = query.get(name)
            if texts is None or name not in self._plan.parameters:
                return otherwise
            try:
                return read(_only(texts))
            except Invalid as invalid:
                errors.append(_error(str(invalid), name))
                return otherwise

        nothing = self._nothing
        sort, order = take(SORT, self._read_sort, (nothing.sort, nothing.order))
        asked = Asked(
            sort=sort,
            order=order,
            limit=take(LIMIT, self._limit, nothing.limit),
            cursor=take(CURSOR, str, None),
            count=take(COUNT, self._read_count, "none"),
            fields=take(FIELDS, self._read_fields, ()),
            filters=tuple(self._read_filters(query, errors)),
        )
        return asked, errors

    def _read_sort(self, text: str) -> tuple[str, Order]:
        items = _items(text)
        order = self._plan.order_of(items)
        if order is None:
            raise Invalid(f"Expected some of {', '.join(self._plan.sortable)}, each with an optional minus before it")
        return text, order

    def _read_count(self, text: str) -> Count:
        for count in self._plan.counts:
            if count == text:
                return count
        raise Invalid(f"Expected one of {', '.join(self._plan.counts)}")

    def _read_fields(self, text: str) -> tuple[str, ...]:
        items = _items(text)
        if any(item not in self._plan.fields for item in items):
            raise Invalid(f"Expected some of {', '.join(self._plan.fields)}")
        return tuple(items)

    def _read_filters(self, query: QueryFields, errors: list[InputError]) -> Iterator[tuple[Filter, Any]]:
        for name, each in self._plan.filters.items():
            texts = query.get(name)
            if texts is not None:
                try:
                    yield each, each.value(texts)
                except Invalid as invalid:
                    errors.append(_error(str(invalid), name))


def _only(texts: list[str]) -> str:
    if len(texts) > 1:
        raise Invalid(f"Expected one value, got {len(texts)}")
    return texts[0]


def _items(text: str) -> list[str]:
    items = text.split(",")
    if len(items) != len(set(items)):
        raise Invalid("Expected each at most once")
    return items


def _error(detail: str, name: str) -> InputError:
    return InputError(detail=detail, parameter=name, where="query")
