"""Scalars: from the string of a path segment, a query parameter or a header to a value of its declared type.

It is stricter than msgspec, so each value has one spelling: an integer is ``0`` or ``-?[1-9][0-9]*`` within 64 bits, a
boolean is ``true`` or ``false``, a UUID has hyphens, a time is RFC 3339 and not a number of seconds, a number is
finite. Strings must not contain NUL, which PostgreSQL cannot store.
"""

import re
from collections.abc import Callable
from typing import Any, Final

import msgspec
from msgspec import inspect

from headwater.http.types.inputerror import Invalid
from headwater.http.types.shape import ListShape, Shape, leaf_type, members_of, plain

Read = Callable[[str], Any]

_INTEGER: Final = re.compile(r"0|-?[1-9][0-9]{0,18}", re.ASCII)
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)
_BOOLEANS: Final = {"true": True, "false": False}
_UUID_LENGTH: Final = 36
_INT64: Final = range(-(1 << 63), 1 << 63)


def reader_of(shape: Shape) -> Read | None:
    """A function that parses one string as `shape` or raises `Invalid`; None if one string cannot represent it.

    None has no spelling: it is the value of an absent optional parameter.
    """
    members = [member for member in members_of(shape) if not isinstance(member, inspect.NoneType)]
    readers = [_reader(member) for member in sorted(members, key=rank_of)]
    known = [reader for reader in readers if reader is not None]
    if not known or len(known) != len(readers):
        return None
    return known[0] if len(known) == 1 else _first_of(known)


def list_reader_of(shape: Shape) -> Callable[[list[str]], Any] | None:
    """A function that parses several strings as a list, set or tuple of scalars; None for another `shape`."""
    members = [member for member in members_of(shape) if not isinstance(member, inspect.NoneType)]
    if len(members) != 1 or not isinstance(members[0], ListShape):
        return None
    whole = members[0]
    item = reader_of(plain(whole.item_type))
    return _reading_list(whole, item) if item is not None else None


def rank_of(shape: Shape) -> int:
    """The rank of a shape: of two that a string could have, the lower, narrower one is tried first."""
    if isinstance(shape, inspect.IntType):
        return 0
    if isinstance(shape, inspect.UUIDType):
        return 1
    return 3 if isinstance(shape, inspect.StrType) else 2


def _first_of(readers: list[Read]) -> Read:
    def read(text: str) -> Any:
        for reader in readers[:-1]:
            try:
                return reader(text)
            except Invalid:
                continue
        return readers[-1](text)

    return read


def _reading_list(whole: inspect.Type, item: Read) -> Callable[[list[str]], Any]:
    make = _COLLECTIONS[type(whole)]
    least, most = whole.min_length or 0, whole.max_length  # type: ignore[attr-defined]

    def read(texts: list[str]) -> Any:
        values = make(item(text) for text in texts)
        if len(values) < least or (most is not None and len(values) > most):
            raise Invalid(f"Expected {_span(least, most)} values, got {len(values)}")
        return values

    return read


def _span(least: int, most: int | None) -> str:
    if most is None:
        return f"at least {least}"
    return f"{least} to {most}" if least else f"at most {most}"


def _reader(shape: Shape) -> Read | None:
    make = _READERS.get(type(shape))
    return make(shape) if make is not None else None


def _read_integers(shape: Shape) -> Read:
    constrain = _constraint(shape, int)

    def read(text: str) -> Any:
        if not _INTEGER.fullmatch(text):
            raise Invalid("Expected an integer")
        value = int(text)
        if value not in _INT64:
            raise Invalid("Expected an integer of 64 bits")
        return constrain(value)

    return read


def _read_booleans(shape: Shape) -> Read:
    def read(text: str) -> Any:
        value = _BOOLEANS.get(text)
        if value is None:
            raise Invalid("Expected true or false")
        return value

    return read


def _read_texts(shape: Shape) -> Read:
    constrain = _constraint(shape, str)

    def read(text: str) -> Any:
        return constrain(_without_nul(text))

    return read


def _read_numbers(shape: Shape) -> Read:
    kind = leaf_type(shape)

    def read(text: str) -> Any:
        if not _NUMBER.fullmatch(text):
            raise Invalid("Expected a number")
        return _convert(text, kind, strict=False)

    return read


def _read_uuids(shape: Shape) -> Read:
    kind, convert = leaf_type(shape), msgspec.convert

    def read(text: str) -> Any:
        if len(text) == _UUID_LENGTH:
            try:
                return convert(text, kind)
            except msgspec.ValidationError:
                pass
        raise Invalid("Expected a UUID")

    return read


def _read_strictly(shape: Shape) -> Read:
    kind = leaf_type(shape)
    return lambda text: _convert(_without_nul(text), kind, strict=True)


def _read_choices(shape: Shape) -> Read:
    kind = leaf_type(shape)
    return lambda text: _convert(_without_nul(text), kind, strict=False)


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise Invalid("The character NUL is not allowed")
    return text


def _constraint(shape: Shape, kind: type) -> Callable[[Any], Any]:
    """A function that checks the constraints of a value of the right type."""
    constrained = leaf_type(shape)
    if constrained is kind:
        return lambda value: value
    return lambda value: _convert(value, constrained, strict=True)


def _convert(value: Any, kind: Any, strict: bool) -> Any:
    try:
        return msgspec.convert(value, kind, strict=strict)
    except msgspec.ValidationError as error:
        raise Invalid(str(error)) from None


_READERS: Final[dict[type[Shape], Callable[[Shape], Read]]] = {
    inspect.IntType: _read_integers,
    inspect.BoolType: _read_booleans,
    inspect.StrType: _read_texts,
    inspect.FloatType: _read_numbers,
    inspect.DecimalType: _read_numbers,
    inspect.UUIDType: _read_uuids,
    inspect.DateTimeType: _read_strictly,
    inspect.DateType: _read_strictly,
    inspect.TimeType: _read_strictly,
    inspect.TimeDeltaType: _read_strictly,
    inspect.EnumType: _read_choices,
    inspect.LiteralType: _read_choices,
}

_COLLECTIONS: Final[dict[type[Shape], Callable[..., Any]]] = {
    inspect.ListType: list,
    inspect.VarTupleType: tuple,
    inspect.SetType: set,
    inspect.FrozenSetType: frozenset,
}
