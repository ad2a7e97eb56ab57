"""Parameters in the document: path, query and header parameters."""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from headwater.binding import MISSING
from headwater.http.binding.inputs import Input
from headwater.http.openapi.schemas import Schema, Schemas
from headwater.http.page.document import describe_parameters
from headwater.http.page.plan import PagePlan
from headwater.http.step.operation import Operation

_INT64: Final = {"minimum": -(1 << 63), "maximum": (1 << 63) - 1}
_WITHOUT_NUL: Final = "^[^\\x00]*$"
_OF_THE_PROTOCOL: Final = frozenset({"accept", "authorization", "content-length", "content-type", "host"})
"""Headers that clients send by themselves; OpenAPI ignores some of them as parameters (3.1.1 section 4.8.12.1)."""


def write_parameters(operation: Operation, schemas: Schemas) -> list[dict[str, Any]]:
    """The ``parameters`` of an operation that its handler has, those of its pages included."""
    inputs = [each for each in operation.binding.inputs if each.where in ("path", "query", "header")]
    inputs = [each for each in inputs if each.where != "header" or each.name.lower() not in _OF_THE_PROTOCOL]
    parameters = [_parameter(each, schemas) for each in inputs]
    return parameters + [
        each for plan in operation.facts(PagePlan) for each in describe_parameters(plan, _schema_of(schemas))
    ]


def _parameter(source: Input, schemas: Schemas) -> dict[str, Any]:
    schema = _without_null(schemas.of(source.annotation))
    if source.where != "header":
        schema = _as_read(schema)
    if source.default is not MISSING and source.default is not None:
        schema["default"] = msgspec.to_builtins(source.default)
    parameter: dict[str, Any] = {
        "name": source.name,
        "in": source.where,
        "required": source.where == "path" or source.required,
        "schema": schema,
    }
    if "description" in schema:
        parameter["description"] = schema.pop("description")
    if parameter["required"] or "examples" in schema:
        parameter["example"] = schemas.example(schema, source.name)
    return parameter


def _schema_of(schemas: Schemas) -> Callable[[Any], Schema]:
    return lambda kind: _as_read(schemas.of(kind))


def _as_read(schema: Schema) -> Schema:
    """The schema with the bounds of integers, and with a pattern that excludes NUL from strings."""
    if schema.get("type") == "integer":
        return {"format": "int64", **_INT64, **schema}
    if schema.get("type") == "string" and not schema.keys() & {"enum", "format", "contentEncoding"}:
        return {"pattern": _WITHOUT_NUL, **schema}
    return schema


def _without_null(schema: Schema) -> Schema:
    """A parameter has no spelling of null: it is absent."""
    choices = schema.get("anyOf")
    if choices is None:
        return schema
    rest = {key: value for key, value in schema.items() if key not in ("anyOf", "default")}
    kept = [choice for choice in choices if choice != {"type": "null"}]
    return {**rest, **kept[0]} if len(kept) == 1 else {**rest, "anyOf": kept}
