"""A plan: a declaration of pages, checked against its row and prepared for requests."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import inspect as shapes

from headwater.http.page.declaration import Pages
from headwater.http.page.filter import OPERATORS, Filter, make_filter
from headwater.http.page.listing import Listing
from headwater.http.page.order import Order, Term
from headwater.http.types.scalar import Read, reader_of
from headwater.http.types.shape import Shape, is_optional, members_of, partial_of, shape_of

SORT: Final = "sort"
LIMIT: Final = "limit"
CURSOR: Final = "cursor"
COUNT: Final = "count"
FIELDS: Final = "fields"

_BOUND: Final = 1000
_ORDERS_REMEMBERED: Final = 100
_COUNTS: Final = ("none", "estimate", "exact")
_CARRIED: Final[dict[type[Shape], Any]] = {
    shapes.BoolType: bool,
    shapes.IntType: int,
    shapes.FloatType: float,
    shapes.DecimalType: Decimal,
    shapes.StrType: str,
    shapes.UUIDType: UUID,
    shapes.DateTimeType: datetime,
    shapes.DateType: date,
    shapes.TimeType: time,
    shapes.EnumType: str | int,
    shapes.LiteralType: str | int,
}
"""What can be sorted by, as a cursor carries it. Not a time span: PostgreSQL's months do not survive the way through
Python, so that a place would not be found again."""


class PlanInvalid(Exception):
    """The declaration is invalid; the message says why and how to fix it."""


class Column(msgspec.Struct, frozen=True):
    """A field of the row; `name` is what the API calls it."""

    name: str
    column: str
    annotation: Any
    shape: Shape

    @property
    def nullable(self) -> bool:
        return is_optional(self.shape)

    @property
    def sortable(self) -> bool:
        members = [each for each in members_of(self.shape) if not isinstance(each, shapes.NoneType)]
        return len(members) == 1 and type(members[0]) in _CARRIED

    @property
    def carried(self) -> Any:
        """The type of its values in a cursor, without the constraints, which a later release may change."""
        members = [each for each in members_of(self.shape) if not isinstance(each, shapes.NoneType)]
        kind = _CARRIED[type(members[0])]
        return kind | None if self.nullable else kind


class PagePlan:
    """The parameters that requests may use on a list.

    `default` is the order without ``sort=`` as a string, empty for the key alone. `part` is the row with every field
    optional, and `listing` a list of these, if fields may be chosen. `sorts` are the orders that are expected to have
    an index, behind the columns `narrowed`. With `whole` rows are shown whole, whatever the declaration says: in an
    older version of the API they have other fields than those that could be chosen. Raises `PlanInvalid`.
    """

    def __init__(self, pages: Pages, *, whole: bool = False) -> None:
        self.pages = pages
        self.kind, self.table = pages.kind, pages.table
        self._by_name = {column.name: column for column in _columns_of(pages.kind)}
        self._by_column = {column.column: column for column in self._by_name.values()}
        self.columns = tuple(self._by_column)
        self._decoders: dict[Order, msgspec.msgpack.Decoder[tuple[Any, ...]]] = {}
        self.key = tuple(self._key_column(name) for name in _some(pages.key, "key"))
        self.sortable = tuple(dict.fromkeys(self._sortable_names()))
        self.default = pages.default or next(iter(pages.sort), "")
        self.filters = {each.name: each for each in self._filters()}
        self.fields = () if whole else self._fields()
        self.part = partial_of(pages.kind) if self.fields else None
        self.listing: Any = Listing[self.part] if self.part is not None else None  # type: ignore[name-defined]
        self.counts = tuple(count for count in _COUNTS if count in pages.count)
        self.default_order = self._declared(self.default, "default")
        self.sorts = tuple(dict.fromkeys([self.default_order, *(self._declared(each, "sort") for each in pages.sort)]))
        self.tenant = pages.tenant
        self.tenant_value = self._tenant_reader()
        self.narrowed = (*([pages.tenant] if pages.tenant is not None else []), *pages.within)
        self.parameters = frozenset(self._parameters())
        self._check_bounds()

    def order_of(self, items: Sequence[str]) -> Order | None:
        """The order of items like ``-born``, the key behind them; None if one of them may not be sorted by.

        A column that comes again changes nothing, so it is left out.
        """
        terms: dict[str, Term] = {}
        for item in items:
            column = self._by_name.get(item.removeprefix("-"))
            if column is None or column.name not in self.sortable:
                return None
            term = Term.made(column.column, item.startswith("-"), column.nullable, self.pages.nulls)
            terms.setdefault(column.column, term)
        return self._completed(tuple(terms.values()))

    def decoder_of(self, order: Order) -> msgspec.msgpack.Decoder[tuple[Any, ...]]:
        """What reads the values of a place in this order from a cursor."""
        found = self._decoders.get(order)
        if found is None:
            kinds = tuple(self._by_column[term.column].carried for term in order)
            found = msgspec.msgpack.Decoder(tuple[kinds])  # type: ignore[valid-type]
            if len(self._decoders) < _ORDERS_REMEMBERED:
                self._decoders[order] = found
        return found

    def columns_of(self, names: Sequence[str]) -> tuple[str, ...]:
        """The columns of some fields, in the row's order."""
        wanted = {self._by_name[name].column for name in names}
        return tuple(column for column in self.columns if column in wanted)

    def column(self, column: str) -> Column | None:
        """What is known of a column; None if the row has no such field."""
        return self._by_column.get(column)

    def _tenant_reader(self) -> Read:
        """The function from a principal's tenant to a value of the tenant's column."""
        column = self._by_column.get(self.tenant or "")
        read = reader_of(column.shape) if column is not None else str
        if read is None:
            raise PlanInvalid(f"tenant: the values of {self.tenant!r} cannot be parsed from one string")
        return read

    def _completed(self, terms: Order) -> Order:
        """With the key, in the direction of the last term, so that one index can serve all of it."""
        descending = bool(terms) and terms[-1].descending
        missing = (column for column in self.key if all(term.column != column.column for term in terms))
        whole = (*terms, *(Term(column.column, descending) for column in missing))
        keys, seen = {column.column for column in self.key}, set()
        for length, term in enumerate(whole, 1):
            seen.add(term.column)
            if keys <= seen:  # no two rows agree so far, and what follows decides nothing
                return whole[:length]
        raise AssertionError(whole)

    def _key_column(self, name: str) -> Column:
        column = self._by_column.get(name)
        if column is None or not column.sortable or column.nullable:
            raise PlanInvalid(
                f"key: {self.kind.__name__} has no field {name!r} of a type that orders rows and is never None"
            )
        return column

    def _sortable_names(self) -> Iterator[str]:
        for entry in self.pages.sort:
            for item in entry.split(","):
                name = item.removeprefix("-")
                column = self._by_name.get(name)
                if column is None or not column.sortable:
                    raise PlanInvalid(
                        f"sort: {self.kind.__name__} has no field {name!r} of a type that can be sorted by"
                    )
                yield name

    def _filters(self) -> Iterator[Filter]:
        for name, operators in self.pages.filters.items():
            column = self._by_name.get(name)
            if column is None:
                raise PlanInvalid(f"filters: {self.kind.__name__} has no field {name!r}")
            for operator in operators:
                if operator not in OPERATORS:
                    raise PlanInvalid(f"filters: {operator!r} is not one of {', '.join(OPERATORS)}")
                try:
                    yield make_filter(name, column.column, column.annotation, operator)
                except ValueError as error:
                    raise PlanInvalid(f"filters: {name} cannot have {operator!r}: {error}") from None

    def _fields(self) -> tuple[str, ...]:
        chosen = self.pages.fields
        if isinstance(chosen, bool):
            return tuple(self._by_name) if chosen else ()
        for name in chosen:
            if name not in self._by_name:
                raise PlanInvalid(f"fields: {self.kind.__name__} has no field {name!r}")
        return tuple(name for name in self._by_name if name in chosen)

    def _declared(self, text: str, what: str) -> Order:
        order = self.order_of(text.split(",") if text else ())
        if order is None:
            raise PlanInvalid(f"{what}: {text!r} is not made of the fields that `sort` names")
        return order

    def _parameters(self) -> Iterator[str]:
        own = [name for name, used in self._own() if used]
        for name in self.filters:
            if name in own:
                raise PlanInvalid(f"filters: {name!r} is also a query parameter of pages; rename the field for the API")
        yield from (*own, *self.filters)

    def _own(self) -> list[tuple[str, bool]]:
        return [
            (SORT, bool(self.sortable)),
            (LIMIT, True),
            (CURSOR, True),
            (COUNT, len(self.counts) > 1),
            (FIELDS, bool(self.fields)),
        ]

    def _check_bounds(self) -> None:
        if not 1 <= self.pages.limit <= self.pages.most <= _BOUND:
            raise PlanInvalid(f"limit and most: 1 <= limit <= most <= {_BOUND} does not hold")
        if "none" not in self.counts or len(self.counts) != len(set(self.pages.count)):
            raise PlanInvalid(f"count: name some of {', '.join(_COUNTS)}, the first among them")
        if self.pages.lifetime.total_seconds() < 60:
            raise PlanInvalid("lifetime: a cursor lives for a minute at least")
        if self.pages.nulls not in ("last", "first", "largest"):
            raise PlanInvalid("nulls: name last, first or largest")


def _some(names: tuple[str, ...], what: str) -> tuple[str, ...]:
    if not names:
        raise PlanInvalid(f"{what}: name at least one column")
    return names


def _columns_of(kind: type[Any]) -> list[Column]:
    if not (isinstance(kind, type) and issubclass(kind, msgspec.Struct)):
        raise PlanInvalid(f"{kind!r} is not a Row")
    return [
        Column(field.encode_name, field.name, field.type, shape_of(field.type))
        for field in msgspec.structs.fields(kind)
    ]
