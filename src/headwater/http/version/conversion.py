"""Conversion: the older form of any type that contains converted types, and the function between the two.

A converter applies to one type wherever it occurs: by itself, in a list, a union, a mapping, a generic Struct such as
``Listing[Product]``, or a field of another Struct, whose older form is then derived. A type without converted types
stays unchanged and costs nothing.
"""

import dataclasses
import types
import typing
from collections import abc
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, NamedTuple, Union

import msgspec
from msgspec import NODEFAULT

from headwater.http.types.shape import union_of
from headwater.http.version.converter import ConversionStep, Convert, Direction
from headwater.http.version.errors import ConversionUnclear

_LISTS: Final[dict[Any, Callable[[Any], Any]]] = {
    list: list,
    set: set,
    frozenset: frozenset,
    tuple: tuple,
    abc.Sequence: list,
    abc.MutableSequence: list,
    abc.Collection: list,
    abc.Set: set,
    abc.MutableSet: set,
}
_MAPPINGS: Final = (dict, abc.Mapping, abc.MutableMapping)
_UNIONS: Final = (Union, types.UnionType)


class Conversion(NamedTuple):
    """`older` is what a type is in the older version; `convert` leads there, or back; None if nothing changes."""

    older: Any
    convert: Convert | None


class Conversions:
    """The conversions between a version and the next older one, in one direction. `used` are the newer types that
    occurred."""

    def __init__(self, steps: Mapping[Any, ConversionStep], direction: Direction) -> None:
        self._steps = steps
        self._down = direction == "downgrade"
        self._known: dict[Any, Conversion] = {}
        self._open: list[Any] = []
        self._cut: set[Any] = set()
        self.used: set[Any] = set()

    def of(self, kind: Any) -> Conversion:
        """The conversion of a type; raises `ConversionUnclear`."""
        if not self._steps:
            return Conversion(kind, None)
        origin, arguments = typing.get_origin(kind), typing.get_args(kind)
        if origin is Annotated:
            inner = self.of(arguments[0])
            return Conversion(Annotated[(inner.older, *arguments[1:])], inner.convert) if inner.convert else _same(kind)
        if origin in _UNIONS:
            return self._of_union(kind, arguments)
        if origin is tuple and not (len(arguments) == 2 and arguments[1] is Ellipsis):
            return self._of_tuple(kind, arguments)
        if origin in _LISTS and arguments:
            return self._of_list(kind, origin, arguments)
        if origin in _MAPPINGS:
            return self._of_mapping(kind, origin, arguments)
        return self._of_named(kind)

    def _of_union(self, kind: Any, members: tuple[Any, ...]) -> Conversion:
        found = [(member, self.of(member)) for member in members]
        if not any(each.convert for _, each in found):
            return _same(kind)
        older = union_of([each.older for _, each in found])
        by_class: dict[type, Convert] = {}
        for member, each in found:
            if each.convert is not None:
                by_class[_class_of(member if self._down else each.older, kind)] = each.convert
        return Conversion(older, _dispatch(by_class))

    def _of_tuple(self, kind: Any, items: tuple[Any, ...]) -> Conversion:
        found = [self.of(item) for item in items]
        if not any(each.convert for each in found):
            return _same(kind)
        converts = [each.convert or _as_it_is for each in found]

        def convert(value: Any) -> Any:
            return tuple(each(item) for each, item in zip(converts, value, strict=True))

        return Conversion(tuple.__class_getitem__(tuple(each.older for each in found)), convert)

    def _of_list(self, kind: Any, origin: Any, arguments: tuple[Any, ...]) -> Conversion:
        item = self.of(arguments[0])
        if item.convert is None:
            return _same(kind)
        each, make = item.convert, _LISTS[origin]
        older = origin[(item.older, *arguments[1:])] if len(arguments) > 1 else origin[item.older]
        return Conversion(older, lambda value: make([each(one) for one in value]))

    def _of_mapping(self, kind: Any, origin: Any, arguments: tuple[Any, ...]) -> Conversion:
        item = self.of(arguments[1])
        if item.convert is None:
            return _same(kind)
        each = item.convert
        return Conversion(
            origin[arguments[0], item.older], lambda value: {key: each(one) for key, one in value.items()}
        )

    def _of_named(self, kind: Any) -> Conversion:
        """What has a name: found once, and met again inside of itself taken for unchanged until shown otherwise."""
        if kind in self._known:
            return self._known[kind]
        if kind in self._open:
            self._cut.add(kind)
            return _same(kind)
        self._open.append(kind)
        try:
            found = self._of_step(self._steps[kind]) if kind in self._steps else self._of_fields(kind)
        finally:
            self._open.pop()
        if found.convert is not None and kind in self._cut and kind not in self._steps:
            raise ConversionUnclear(kind=_written(kind), reason="it holds itself")
        if self._cut.isdisjoint(self._open):  # else it may rest on what was taken for unchanged
            self._known[kind] = found
        return found

    def _of_step(self, step: ConversionStep) -> Conversion:
        self.used.add(step.newer)
        convert = _guarded(step.converter.convert, _class_of(step.newer if self._down else step.older, step.newer))
        inner = self.of(step.older) if step.older != step.newer else _same(step.older)
        if inner.convert is None:
            return Conversion(step.older, convert)
        first, then = (convert, inner.convert) if self._down else (inner.convert, convert)
        return Conversion(inner.older, lambda value: then(first(value)))

    def _of_fields(self, kind: Any) -> Conversion:
        origin = typing.get_origin(kind) or kind
        if not isinstance(origin, type):
            return _same(kind)
        if issubclass(origin, msgspec.Struct):
            return self._of_struct(kind, origin)
        if _has_fields(origin):
            hints = typing.get_type_hints(origin, include_extras=True)
            if any(self.of(each).convert for each in hints.values()):
                raise ConversionUnclear(kind=_written(kind), reason="it is not a Struct")
        return _same(kind)

    def _of_struct(self, kind: Any, origin: type) -> Conversion:
        fields = msgspec.structs.fields(kind)
        found = {field.name: self.of(field.type) for field in fields}
        converts = {name: each.convert for name, each in found.items() if each.convert is not None}
        if not converts:
            return _same(kind)
        generic = self._of_arguments(kind, origin, {name: each.older for name, each in found.items()})
        if generic is not None:
            return Conversion(generic, _guarded(_replacing(converts), origin))
        older = _derive(origin, fields, found)
        made, taken = (older, origin) if self._down else (origin, older)
        return Conversion(older, _guarded(_rebuilding(made, [field.name for field in fields], converts), taken))

    def _of_arguments(self, kind: Any, origin: Any, expected: dict[str, Any]) -> Any:
        """``Listing[ProductV1]`` for ``Listing[Product]``, if that says all; else None."""
        arguments = typing.get_args(kind)
        if not arguments:
            return None
        older = origin[tuple(self.of(each).older for each in arguments)]
        return older if {each.name: each.type for each in msgspec.structs.fields(older)} == expected else None


def _has_fields(kind: type) -> bool:
    """A dataclass, a TypedDict or a NamedTuple."""
    return dataclasses.is_dataclass(kind) or (hasattr(kind, "__annotations__") and issubclass(kind, dict | tuple))


def _same(kind: Any) -> Conversion:
    return Conversion(kind, None)


def _as_it_is(value: Any) -> Any:
    return value


def _class_of(kind: Any, whole: Any) -> type:
    """The class of the values of a type; raises `ConversionUnclear` if that does not tell them from others."""
    if typing.get_origin(kind) is Annotated:
        return _class_of(typing.get_args(kind)[0], whole)
    found = typing.get_origin(kind) or kind
    if found in _UNIONS:
        return object
    if not isinstance(found, type):
        raise ConversionUnclear(
            kind=_written(whole), reason=f"values of {_written(kind)} cannot be told by their class"
        )
    return dict if typing.is_typeddict(found) else found


def _guarded(convert: Convert, kind: type) -> Convert:
    """The same for values of `kind`; anything else (None, a default, a part that was selected) passes as it is."""
    if kind is object:
        return convert
    return lambda value: convert(value) if isinstance(value, kind) else value


def _dispatch(by_class: dict[type, Convert]) -> Convert:
    def convert(value: Any) -> Any:
        found = by_class.get(type(value))
        if found is not None:
            return found(value)
        for kind, each in by_class.items():
            if isinstance(value, kind):
                return each(value)
        return value

    return convert


def _replacing(converts: dict[str, Convert]) -> Convert:
    def convert(value: Any) -> Any:
        return msgspec.structs.replace(value, **{name: each(getattr(value, name)) for name, each in converts.items()})

    return convert


def _rebuilding(make: Callable[..., Any], names: list[str], converts: dict[str, Convert]) -> Convert:
    steps = [(name, converts.get(name, _as_it_is)) for name in names]

    def convert(value: Any) -> Any:
        return make(**{name: each(getattr(value, name)) for name, each in steps})

    return convert


def _derive(kind: Any, fields: tuple[msgspec.structs.FieldInfo, ...], found: dict[str, Conversion]) -> Any:
    """The Struct with the older types in the place of the newer ones, and everything else as it was declared."""
    config = kind.__struct_config__
    return msgspec.defstruct(
        kind.__name__,
        [(field.name, found[field.name].older, _default_of(field)) for field in fields],
        module=kind.__module__,
        namespace={"__doc__": kind.__doc__},
        rename={field.name: field.encode_name for field in fields},
        kw_only=True,
        frozen=config.frozen,
        omit_defaults=config.omit_defaults,
        forbid_unknown_fields=config.forbid_unknown_fields,
        array_like=config.array_like,
        tag=config.tag,
        tag_field=config.tag_field,
    )


def _default_of(field: msgspec.structs.FieldInfo) -> Any:
    if field.default is not NODEFAULT:
        return msgspec.field(default=field.default)
    if field.default_factory is not NODEFAULT:
        return msgspec.field(default_factory=field.default_factory)
    return msgspec.field()


def _written(kind: Any) -> str:
    return kind.__name__ if isinstance(kind, type) else str(kind)
