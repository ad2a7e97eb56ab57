"""The shape of a type, by msgspec's inspection; used to parse strings and to find errors."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any, Final, Literal, Union
from uuid import UUID

import msgspec
from msgspec import inspect

Shape = inspect.Type

_CONSTRAINTS: Final = ("gt", "ge", "lt", "le", "multiple_of", "min_length", "max_length", "pattern", "tz")

_LEAVES: Final[dict[type[Shape], Any]] = {
    inspect.NoneType: None,
    inspect.BoolType: bool,
    inspect.IntType: int,
    inspect.FloatType: float,
    inspect.DecimalType: Decimal,
    inspect.StrType: str,
    inspect.BytesType: bytes,
    inspect.ByteArrayType: bytearray,
    inspect.MemoryViewType: memoryview,
    inspect.UUIDType: UUID,
    inspect.DateTimeType: datetime,
    inspect.DateType: date,
    inspect.TimeType: time,
    inspect.TimeDeltaType: timedelta,
}

ListShape = inspect.ListType | inspect.SetType | inspect.FrozenSetType | inspect.VarTupleType
"""Any number of items of one shape."""
FieldsShape = inspect.StructType | inspect.DataclassType | inspect.TypedDictType
"""Fields by name, unless the Struct is array-like."""


def shape_of(annotation: Any) -> Shape:
    """The shape of a type; raises `TypeError` for one that msgspec does not know."""
    return plain(inspect.type_info(annotation))


def plain(shape: Shape) -> Shape:
    """The shape without documentation."""
    return plain(shape.type) if isinstance(shape, inspect.Metadata) else shape


def members_of(shape: Shape) -> tuple[Shape, ...]:
    """The alternatives of a union; otherwise the shape itself."""
    return tuple(map(plain, shape.types)) if isinstance(shape, inspect.UnionType) else (shape,)


def common_fields(annotation: Any) -> dict[str, Shape]:
    """The fields, as attributes, that all alternatives of a type have; none if one has no fields."""
    members = members_of(shape_of(annotation))
    if not all(isinstance(member, inspect.StructType | inspect.DataclassType) for member in members):
        return {}
    fields = [{field.name: plain(field.type) for field in member.fields} for member in members]  # type: ignore[attr-defined]
    return {name: shape for name, shape in fields[0].items() if all(name in others for others in fields)}


def is_optional(shape: Shape) -> bool:
    """Whether None is one of the alternatives."""
    return any(isinstance(member, inspect.NoneType) for member in members_of(shape))


def is_leaf(shape: Shape) -> bool:
    """Whether its values have no parts."""
    return isinstance(shape, (*_LEAVES, inspect.EnumType, inspect.LiteralType))


def shapes_within(shape: Shape) -> Iterator[Shape]:
    """A shape, its parts, and theirs, each once."""
    seen: set[int] = set()
    waiting = [shape]
    while waiting:
        each = plain(waiting.pop())
        if id(each) not in seen:
            seen.add(id(each))
            waiting += _parts_of(each)
            yield each


def lacks_offset(shape: Shape) -> bool:
    """Whether it is a `datetime` whose type does not declare an offset, so msgspec accepts both forms."""
    return isinstance(shape, inspect.DateTimeType) and shape.tz is None


def leaf_type(shape: Shape) -> Any:
    """The type of a leaf, with its constraints.

    A datetime must have an offset from UTC unless its type excludes it (``Meta(tz=False)``): otherwise its meaning
    would depend on the server's time zone.
    """
    if isinstance(shape, inspect.EnumType):
        return shape.cls
    if isinstance(shape, inspect.LiteralType):
        return Literal[shape.values]
    kind = _LEAVES[type(shape)]
    constraints = {name: value for name in _CONSTRAINTS if (value := getattr(shape, name, None)) is not None}
    if lacks_offset(shape):
        constraints["tz"] = True
    return Annotated[kind, msgspec.Meta(**constraints)] if constraints else kind


def _parts_of(shape: Shape) -> Sequence[Shape]:
    if isinstance(shape, inspect.UnionType):
        return shape.types
    if isinstance(shape, FieldsShape | inspect.NamedTupleType):
        return [field.type for field in shape.fields]
    if isinstance(shape, inspect.TupleType):
        return shape.item_types
    if isinstance(shape, inspect.DictType):
        return shape.key_type, shape.value_type
    return (shape.item_type,) if isinstance(shape, ListShape) else ()


def union_of(types: list[Any]) -> Any:
    """The types as alternatives."""
    return Union[tuple(types)]  # noqa: UP007


def partial_of(kind: type[msgspec.Struct]) -> type[msgspec.Struct]:
    """The Struct with every field optional: unselected fields are absent."""
    fields = msgspec.structs.fields(kind)
    return msgspec.defstruct(
        f"{kind.__name__}Fields",
        [(each.name, union_of([each.type, msgspec.UnsetType]), msgspec.UNSET) for each in fields],
        rename={each.name: each.encode_name for each in fields},
        namespace={"__doc__": kind.__doc__},
        module=kind.__module__,
        kw_only=True,
    )
