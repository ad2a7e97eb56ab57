"""Validation: finds all errors of a body by walking its type and the decoded JSON together.

msgspec validates while it decodes and stops at the first error, which is fast for valid bodies. Only a refused body is
decoded again, to plain values, and walked. The walk uses msgspec for every leaf, so both agree on validity; if the walk
finds nothing, msgspec's error is reported. There is one difference: a datetime requires an offset, which msgspec checks
only if the type declares it. So a body that msgspec accepted is walked, too, if it contains a string that looks like a
datetime without an offset.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, Final
from urllib.parse import quote

import msgspec
from msgspec import inspect

from headwater.http.types.inputerror import LIMIT, InputError
from headwater.http.types.integral import write_integers_plainly
from headwater.http.types.shape import (
    FieldsShape,
    ListShape,
    Shape,
    is_leaf,
    lacks_offset,
    leaf_type,
    members_of,
    plain,
    shapes_within,
    union_of,
)

_LOCATION: Final = re.compile(r" - at `(?:key` in `)?\$(.*)`$", re.DOTALL)
_STEP: Final = re.compile(r"\.([^.\[]+)|\[(\d+)\]")
_FRAGMENT_SAFE: Final = "!$&'()*+,;=:@/?-._~"  # RFC 3986 section 3.5
_MAYBE_WITHOUT_OFFSET: Final = re.compile(rb'"[0-9]{4}-[0-9]{2}-[0-9]{2}[^"\\][0-9:.]*"|\\u00')
_NUL: Final = "The character NUL is not allowed"

Found = Iterator[InputError]
Path = tuple[str | int, ...]


def find_errors(body: bytes, annotation: Any, error: msgspec.ValidationError) -> list[InputError]:
    """The errors of a body that msgspec refused with `error`: at least one, and at most one more than `LIMIT`.

    Raises `msgspec.DecodeError` if the body is not JSON: msgspec may have found a wrong type first.
    """
    try:
        value = msgspec.json.decode(body)
    except msgspec.ValidationError:  # a number out of the range of every type
        return [_reported(error)]
    return list(islice(errors_of(value, plain(inspect.type_info(annotation))), LIMIT + 1)) or [_reported(error)]


def offset_check(annotation: Any) -> Callable[[bytes], list[InputError]] | None:
    """A function that finds datetimes without an offset in a body that msgspec accepted; None if the type has none."""
    shape = plain(inspect.type_info(annotation))
    if not any(map(lacks_offset, shapes_within(shape))):
        return None

    def check(body: bytes) -> list[InputError]:
        if _MAYBE_WITHOUT_OFFSET.search(body) is None:
            return []
        try:
            value = msgspec.json.decode(write_integers_plainly(body))
        except msgspec.ValidationError:  # a number out of the range of every type
            return []
        return list(islice(errors_of(value, shape), LIMIT + 1))

    return check


def errors_of(value: Any, shape: Shape, path: Path = ()) -> Found:
    """All errors of plain JSON values against a shape, in document order."""
    if isinstance(shape, inspect.UnionType):
        yield from _of_union(value, shape, path)
    elif isinstance(shape, FieldsShape):
        yield from _of_fields(value, shape, path)
    elif isinstance(shape, inspect.NamedTupleType):
        yield from _of_positions(value, shape, path)
    elif isinstance(shape, inspect.TupleType):
        yield from _of_tuple(value, shape, path)
    elif isinstance(shape, ListShape):
        yield from _of_list(value, shape, path)
    elif isinstance(shape, inspect.DictType):
        yield from _of_dict(value, shape, path)
    elif is_leaf(shape):
        yield from _refusals(value, leaf_type(shape), path)


def nul_errors(value: Any, path: Path = ()) -> Found:
    """An error for every string and every name that contains NUL, which PostgreSQL cannot store."""
    if isinstance(value, str):
        if "\0" in value:
            yield _error(_NUL, path)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from nul_errors(item, (*path, index))
    elif isinstance(value, dict):
        for name, item in value.items():
            if "\0" in name:
                yield _error(_NUL, (*path, name))
            yield from nul_errors(item, (*path, name))


def pointer(path: Path) -> str:
    """A JSON pointer as a URI fragment (RFC 6901 section 6)."""
    steps = (str(step).replace("~", "~0").replace("/", "~1") for step in path)
    return "#" + "".join(f"/{quote(step, safe=_FRAGMENT_SAFE)}" for step in steps)


def _of_union(value: Any, shape: inspect.UnionType, path: Path) -> Found:
    members = members_of(shape)
    if isinstance(value, dict):
        chosen = [m for m in members if _is_object(m)]
        yield from _of_tagged(value, chosen, path) if len(chosen) > 1 else _of_chosen(value, chosen, members, path)
    elif isinstance(value, list):
        chosen = [m for m in members if _is_array(m)]
        yield from _of_tagged(value, chosen, path) if len(chosen) > 1 else _of_chosen(value, chosen, members, path)
    else:
        yield from _refusals(value, union_of([_outline(member) for member in members]), path)


def _of_chosen(value: Any, chosen: list[Shape], members: Sequence[Shape], path: Path) -> Found:
    if chosen:
        yield from errors_of(value, chosen[0], path)
    else:
        yield from _refusals(value, union_of([_outline(member) for member in members]), path)


def _of_tagged(value: Any, structs: Sequence[Any], path: Path) -> Found:
    """The errors of the Struct that the tag names, or of the tag."""
    field = structs[0].tag_field
    if isinstance(value, list):
        where, given = 0, value[0] if value else None
    else:
        where, given = field, value.get(field)
    for struct in structs:
        if struct.tag == given and type(struct.tag) is type(given):
            yield from errors_of(value, struct, path)
            return
    yield from _wrong_tag(given, [struct.tag for struct in structs], (*path, where))


def _wrong_tag(given: Any, tags: list[Any], path: Path) -> Found:
    known = ", ".join(repr(tag) for tag in tags)
    yield _error(f"Expected one of {known}" + ("" if given is None else f", got {_brief(given)}"), path)


def _of_fields(value: Any, shape: Any, path: Path) -> Found:
    valid = True
    for error in _of_positions(value, shape, path) if _is_array(shape) else _of_names(value, shape, path):
        valid = False
        yield error
    if valid and hasattr(shape.cls, "__post_init__"):
        yield from _refusals(value, shape.cls, path)


def _of_names(value: Any, shape: Any, path: Path) -> Found:
    if not isinstance(value, dict):
        yield _mismatch("object", value, path)
        return
    tag = getattr(shape, "tag", None)
    if tag is not None and shape.tag_field in value and value[shape.tag_field] != tag:
        yield from _wrong_tag(value[shape.tag_field], [tag], (*path, shape.tag_field))
    for field in shape.fields:
        location = (*path, field.encode_name)
        if field.encode_name in value:
            yield from errors_of(value[field.encode_name], plain(field.type), location)
        elif field.required:
            yield _error("The field is missing", location)
    if getattr(shape, "forbid_unknown_fields", False):
        known = {field.encode_name for field in shape.fields} | ({shape.tag_field} if tag is not None else set())
        for name in value:
            if name not in known:
                yield _error("There is no such field", (*path, name))


def _of_positions(value: Any, shape: Any, path: Path) -> Found:
    """Fields by position: of a NamedTuple, or of an array-like Struct, whose tag comes first."""
    if not isinstance(value, list):
        yield _mismatch("array", value, path)
        return
    tag = getattr(shape, "tag", None)
    first = 0 if tag is None else 1
    if first and value[:1] != [tag]:
        yield from _wrong_tag(value[0] if value else None, [tag], (*path, 0))
    if len(value) > first + len(shape.fields) and getattr(shape, "forbid_unknown_fields", True):
        yield _error(f"Expected at most {first + len(shape.fields)} items, got {len(value)}", path)
    yield from _items_by_position(value, shape.fields, path, first)


def _items_by_position(value: list[Any], fields: Sequence[Any], path: Path, first: int) -> Found:
    for index, field in enumerate(fields, first):
        if index < len(value):
            yield from errors_of(value[index], plain(field.type), (*path, index))
        elif field.required:
            yield _error("The item is missing", (*path, index))


def _of_tuple(value: Any, shape: inspect.TupleType, path: Path) -> Found:
    if not isinstance(value, list):
        yield _mismatch("array", value, path)
    elif len(value) != len(shape.item_types):
        yield _error(f"Expected {len(shape.item_types)} items, got {len(value)}", path)
    else:
        for index, (item, kind) in enumerate(zip(value, shape.item_types, strict=True)):
            yield from errors_of(item, plain(kind), (*path, index))


def _of_list(value: Any, shape: Any, path: Path) -> Found:
    if not isinstance(value, list):
        yield _mismatch("array", value, path)
        return
    yield from _of_length(len(value), shape, "items", path)
    item_shape = plain(shape.item_type)
    for index, item in enumerate(value):
        yield from errors_of(item, item_shape, (*path, index))


def _of_dict(value: Any, shape: inspect.DictType, path: Path) -> Found:
    if not isinstance(value, dict):
        yield _mismatch("object", value, path)
        return
    yield from _of_length(len(value), shape, "members", path)
    key_shape, value_shape = plain(shape.key_type), plain(shape.value_type)
    for name, item in value.items():
        yield from _of_key(name, key_shape, (*path, name))
        yield from errors_of(item, value_shape, (*path, name))


def _of_key(name: str, shape: Shape, path: Path) -> Found:
    kinds = [leaf_type(member) for member in members_of(shape) if is_leaf(member)]
    if kinds:
        try:
            msgspec.convert({name: None}, dict[union_of(kinds), None], str_keys=True)  # type: ignore[misc]
        except msgspec.ValidationError as error:
            yield _error(f"The name does not fit: {_without_location(error)}", path)


def _of_length(length: int, shape: Any, what: str, path: Path) -> Found:
    if shape.min_length is not None and length < shape.min_length:
        yield _error(f"Expected at least {shape.min_length} {what}, got {length}", path)
    if shape.max_length is not None and length > shape.max_length:
        yield _error(f"Expected at most {shape.max_length} {what}, got {length}", path)


def _refusals(value: Any, kind: Any, path: Path) -> Found:
    """The errors of msgspec for a value."""
    try:
        msgspec.convert(value, kind, str_keys=True)
    except msgspec.ValidationError as error:
        yield _error(_without_location(error), (*path, *_steps(error)))


def _is_object(shape: Shape) -> bool:
    return isinstance(shape, inspect.DictType) or (
        isinstance(shape, FieldsShape) and not getattr(shape, "array_like", False)
    )


def _is_array(shape: Shape) -> bool:
    return isinstance(shape, inspect.NamedTupleType | inspect.TupleType | ListShape) or (
        isinstance(shape, inspect.StructType) and shape.array_like
    )


def _outline(shape: Shape) -> Any:
    """The type of a member of a union, reduced to what matters for a scalar."""
    if _is_object(shape):
        return dict
    if _is_array(shape):
        return list
    return leaf_type(shape) if is_leaf(shape) else Any


def _mismatch(expected: str, value: Any, path: Path) -> InputError:
    return _error(f"Expected `{expected}`, got `{_JSON_NAMES[type(value)]}`", path)


def _error(detail: str, path: Path) -> InputError:
    return InputError(detail=detail, pointer=pointer(path))


def _reported(error: msgspec.ValidationError) -> InputError:
    return _error(_without_location(error), _steps(error))


def _without_location(error: msgspec.ValidationError) -> str:
    return _LOCATION.sub("", str(error))


def _steps(error: msgspec.ValidationError) -> Path:
    location = _LOCATION.search(str(error))
    return tuple(name or int(index) for name, index in _STEP.findall(location[1])) if location else ()


def _brief(value: Any) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= 40 else f"`{_JSON_NAMES[type(value)]}`"


_JSON_NAMES: Final = {
    type(None): "null",
    bool: "bool",
    int: "int",
    float: "float",
    str: "str",
    list: "array",
    dict: "object",
}
