"""Times in schemas: the formats that msgspec leaves out for times that may lack an offset.

A `datetime` is a ``date-time``, or, if its type says that it has no offset, a ``date-time-local``; a `time` is
``time-local`` (all of https://spec.openapis.org/registry/format/).
"""

from collections.abc import Callable, Iterable
from typing import Any, Final

from msgspec import inspect

from headwater.http.types.shape import members_of, plain

Schema = dict[str, Any]
Find = Callable[[str], Schema]
"""The schema that a reference leads to."""

_FORMATS: Final[dict[type[inspect.Type], str]] = {
    inspect.DateTimeType: "date-time",
    inspect.TimeType: "time-local",
}


def mark_times(kinds: Iterable[Any], schemas: Iterable[Schema], find: Find) -> None:
    """Put the formats into the schemas of these kinds, and into those that they refer to."""
    marker = _Marker(find)
    for kind, schema in zip(kinds, schemas, strict=True):
        marker.mark(inspect.type_info(kind), schema)


class _Marker:
    def __init__(self, find: Find) -> None:
        self._find = find
        self._seen: set[str] = set()

    def mark(self, shape: inspect.Type, schema: Schema) -> None:
        shape = plain(shape)
        if isinstance(shape, inspect.UnionType):
            self._mark_union(shape, schema)
        elif "$ref" in schema:
            if schema["$ref"] not in self._seen:
                self._seen.add(schema["$ref"])
                self.mark(shape, self._find(schema["$ref"]))
        elif type(shape) in _FORMATS:
            local = isinstance(shape, inspect.DateTimeType) and shape.tz is False
            schema.setdefault("format", "date-time-local" if local else _FORMATS[type(shape)])
        elif isinstance(shape, inspect.StructType | inspect.DataclassType | inspect.TypedDictType):
            self._mark_fields(shape, schema)
        elif isinstance(shape, inspect.DictType):
            self._mark_if_there(shape.value_type, schema.get("additionalProperties"))
        elif isinstance(shape, inspect.TupleType):
            for each, inner in zip(shape.item_types, schema["prefixItems"], strict=True):
                self.mark(each, inner)
        elif hasattr(shape, "item_type"):
            self._mark_if_there(shape.item_type, schema.get("items"))

    def _mark_fields(self, shape: Any, schema: Schema) -> None:
        if getattr(shape, "array_like", False):
            return
        for field in shape.fields:
            self._mark_if_there(field.type, schema.get("properties", {}).get(field.encode_name))

    def _mark_union(self, shape: inspect.UnionType, schema: Schema) -> None:
        """The schemas of alternatives are in another order; a time is the only string without a format."""
        members, choices = members_of(shape), schema.get("anyOf", [schema])
        times = [member for member in members if type(member) in _FORMATS]
        if len(times) == 1 and not any(isinstance(member, inspect.StrType) for member in members):
            for choice in choices:
                if choice.get("type") == "string" and choice.keys() <= {"type"}:
                    self.mark(times[0], choice)
        for member in members:
            for choice in choices:
                if _is_of(member, choice):
                    self.mark(member, choice)

    def _mark_if_there(self, shape: inspect.Type, schema: Any) -> None:
        if isinstance(schema, dict):
            self.mark(shape, schema)


def _is_of(shape: inspect.Type, schema: Schema) -> bool:
    """Whether a schema is that of an alternative which may hold a time."""
    if isinstance(shape, inspect.StructType | inspect.DataclassType | inspect.TypedDictType):
        name = str(schema.get("$ref", "")).rpartition("/")[2]
        return name == shape.cls.__name__ or name.startswith(f"{shape.cls.__name__}_")  # generic ones: Listing_Person_
    if isinstance(shape, inspect.DictType):
        return bool(schema.get("type") == "object")
    return bool(schema.get("type") == "array") and hasattr(shape, "item_type")
