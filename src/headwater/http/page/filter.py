"""A filter: one column, one operator, and the value that a request gives it, of the column's type.

In a request the operator is in brackets after the field, as in Stripe's API: ``born[ge]=2000-01-01``; equality is the
field alone: ``country=DE``. The values of ``in`` are repeated: ``country[in]=DE&country[in]=FR``.
"""

from collections.abc import Callable
from enum import Enum
from typing import Any, Final, Literal

import msgspec
from msgspec import inspect as shapes

from headwater.http.page.order import quoted
from headwater.http.types.inputerror import Invalid
from headwater.http.types.scalar import Read, reader_of
from headwater.http.types.shape import leaf_type, members_of, shape_of

Operator = Literal["eq", "ne", "lt", "le", "gt", "ge", "in", "prefix", "null"]

IN_LIMIT: Final = 50
"""Maximum values of one ``in``."""
TEXT_LIMIT: Final = 255
"""Maximum characters of a string in a filter."""

_COMPARISONS: Final = {"eq": "=", "ne": "is distinct from", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_MEANINGS: Final = {
    "eq": "{field} is this",
    "ne": "{field} is not this; also where there is none",
    "lt": "{field} is less than this",
    "le": "{field} is this or less",
    "gt": "{field} is greater than this",
    "ge": "{field} is this or greater",
    "in": "{field} is one of these",
    "prefix": "{field} begins with this, letter by letter",
    "null": "whether {field} is missing",
}
OPERATORS: Final = tuple(_MEANINGS)


class Filter(msgspec.Struct, frozen=True):
    """One allowed pair of field and operator; `name` is how a request spells it, `kind` the type of one value."""

    name: str
    field: str
    column: str
    operator: Operator
    kind: Any
    read: Read
    cast: str = ""
    """An integer is compared as the widest one there is, so that one too large for the column is only larger."""

    @property
    def many(self) -> bool:
        return self.operator == "in"

    @property
    def meaning(self) -> str:
        """For the documentation."""
        return _MEANINGS[self.operator].format(field=self.field)

    def value(self, texts: list[str]) -> Any:
        """What a request gives it, as PostgreSQL takes it; raises `Invalid`."""
        if not self.many:
            if len(texts) > 1:
                raise Invalid(f"Expected one value, got {len(texts)}")
            return self._value(texts[0])
        if len(texts) > IN_LIMIT:
            raise Invalid(f"Expected at most {IN_LIMIT} values, got {len(texts)}")
        return [self._value(text) for text in texts]

    def condition(self, value: Any, argument: Callable[[Any], str]) -> str:
        """The condition on the column; `argument` adds a value and returns its placeholder."""
        column = quoted(self.column)
        if self.operator == "null":
            return f"{column} is null" if value else f"{column} is not null"
        if self.operator == "in":
            return f"{column} = any({argument(value)}{self.cast and f'{self.cast}[]'})"
        if self.operator == "prefix":
            return f"{column} like {argument(_escaped(value) + '%')}"
        return f"{column} {_COMPARISONS[self.operator]} {argument(value)}{self.cast}"

    def _value(self, text: str) -> Any:
        value = self.read(text)
        if isinstance(value, str) and len(value) > TEXT_LIMIT:
            raise Invalid(f"Expected at most {TEXT_LIMIT} characters")
        return value.value if isinstance(value, Enum) else value


def make_filter(field: str, column: str, annotation: Any, operator: Operator) -> Filter:
    """The filter of a column whose values have this type; raises `ValueError` for one that cannot be."""
    kind = bool if operator == "null" else value_type(annotation)
    read = reader_of(shape_of(kind)) if kind is not None else None
    if read is None:
        raise ValueError("its values cannot be parsed from one string")
    if operator == "prefix" and not isinstance(shape_of(kind), shapes.StrType):
        raise ValueError("only strings have prefixes")
    name = field if operator == "eq" else f"{field}[{operator}]"
    cast = "::bigint" if isinstance(shape_of(kind), shapes.IntType) else ""
    return Filter(name, field, column, operator, kind, read, cast)


def value_type(annotation: Any) -> Any:
    """The type of a column's values other than None; None for a union of several."""
    members = [each for each in members_of(shape_of(annotation)) if not isinstance(each, shapes.NoneType)]
    if len(members) != 1:
        return None
    try:
        return leaf_type(members[0])
    except KeyError:
        return None


def _escaped(text: str) -> str:
    """The string as a LIKE pattern that matches only itself."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
