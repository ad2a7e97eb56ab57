"""Scalars: how the text of a path segment, a query parameter or a header becomes a value of its declared type.

Stricter than `msgspec.convert` with `strict=False`, so that one value has one spelling: an integer is ``-?[1-9][0-9]*``
or ``0`` and fits 64 bits, a boolean is ``true`` or ``false``, a UUID has its hyphens, a time is RFC 3339 and no
number of seconds, a number is finite. No text may hold NUL, which PostgreSQL cannot store.
"""

import re
from collections.abc import Callable
from typing import Any, Final

import msgspec
from msgspec import inspect

from headwater.http.fault import Invalid

Read = Callable[[str], Any]

_INTEGER: Final = re.compile(r"0|-?[1-9][0-9]{0,18}", re.ASCII)
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)
_BOOLEANS: Final = {"true": True, "false": False}
_UUID_LENGTH: Final = 36
_INT64: Final = range(-(1 << 63), 1 << 63)


def reader_of(annotation: Any) -> Read | None:
    """What reads one text as `annotation`, raising `Invalid`; None if no single text can be such a value."""
    annotation, node = _core(annotation)
    return _reader(annotation, node)


def list_reader_of(annotation: Any) -> Callable[[list[str]], Any] | None:
    """What reads several texts as a list, set or tuple of scalars; None if `annotation` is no such type."""
    annotation, node = _core(annotation)
    if not isinstance(node, inspect.ListType | inspect.SetType | inspect.FrozenSetType | inspect.VarTupleType):
        return None
    item = _item_reader(node.item_type)
    if item is None:
        return None

    def read(texts: list[str]) -> Any:
        return _convert([item(text) for text in texts], annotation)

    return read


def is_optional(annotation: Any) -> bool:
    """Whether None is one of the values."""
    node = _plain(inspect.type_info(annotation))
    return isinstance(node, inspect.UnionType) and node.includes_none


def rank_of(annotation: Any) -> tuple[int, str]:
    """Where a path parameter stands in precedence, and what it may clash with: int, then UUID, then others, then str."""
    node = _plain(inspect.type_info(annotation))
    if isinstance(node, inspect.IntType):
        return 0, "int"
    if isinstance(node, inspect.UUIDType):
        return 1, "uuid"
    return (3, "str") if isinstance(node, inspect.StrType) else (2, str(annotation))


def _core(annotation: Any) -> tuple[Any, inspect.Type]:
    """The type without None, which no text spells: a parameter that is absent is how None is given."""
    node = _plain(inspect.type_info(annotation))
    if isinstance(node, inspect.UnionType) and node.includes_none:
        annotation = _without_none(annotation)
        node = _plain(inspect.type_info(annotation))
    return annotation, node


def _without_none(annotation: Any) -> Any:
    from typing import Annotated, Union, get_args, get_origin

    if get_origin(annotation) is Annotated:
        inner, *metadata = get_args(annotation)
        return Annotated[(_without_none(inner), *metadata)]  # type: ignore[return-value]
    return Union[tuple(part for part in get_args(annotation) if part is not type(None))]  # noqa: UP007


def _plain(node: inspect.Type) -> inspect.Type:
    return _plain(node.type) if isinstance(node, inspect.Metadata) else node


def _item_reader(node: inspect.Type) -> Read | None:
    from headwater.http.validation import type_of

    return _reader(type_of(node), _plain(node))


def _reader(annotation: Any, node: inspect.Type) -> Read | None:
    for kinds, make in _READERS:
        if isinstance(node, kinds):
            return make(annotation, node)
    return None
