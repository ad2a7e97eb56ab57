"""Schemas: the JSON Schema of each type in use, with named types written once and referred to."""

import inspect
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from headwater.http.openapi.examples import example_of
from headwater.http.openapi.times import mark_times
from headwater.http.page.document import filter_types
from headwater.http.page.plan import PagePlan
from headwater.http.step.operation import Operation

Schema = dict[str, Any]

REFERENCE: Final = "#/components/schemas/{name}"

_WHERE: Final = frozenset({"path", "query", "header", "body"})


class Schemas:
    """`components` holds the named ones."""

    def __init__(self, types: Iterable[Any]) -> None:
        kinds = list(types)
        schemas, self.components = msgspec.json.schema_components(kinds, ref_template=REFERENCE)
        mark_times(kinds, schemas, self._find)
        for component in self.components.values():
            if "description" in component:
                component["description"] = inspect.cleandoc(component["description"])
        self._known = [*zip(kinds, schemas, strict=True)]

    def of(self, kind: Any) -> Schema:
        """The schema of one of the types; a new dict each time."""
        return dict(next(schema for each, schema in self._known if each is kind))

    def example(self, schema: Schema, name: str = "") -> Any:
        """A value that fits a schema; `name` is what it would be called."""
        return example_of(schema, self.components, name)

    def _find(self, reference: str) -> Schema:
        found: Schema = self.components[reference.rpartition("/")[2]]
        return found

    def content(self, media_type: str, kind: Any) -> dict[str, Any]:
        """The ``content`` of a body or a response, with an example."""
        schema = self.of(kind)
        return {media_type: {"schema": schema, "example": self.example(schema)}}


def answer_type(operation: Operation) -> Any:
    """The type of what it answers; where fields can be chosen, of items that need not have any of them."""
    listings = [plan.listing for plan in operation.facts(PagePlan) if plan.listing is not None]
    return listings[0] if listings else operation.rendering.returns


def schemas_of(operations: Iterable[Operation]) -> Schemas:
    """The schemas of everything that these operations take and give."""
    types: list[Any] = []
    for operation in operations:
        types += [each.annotation for each in operation.binding.inputs if each.where in _WHERE]
        if operation.rendering.returns is not None:
            types.append(answer_type(operation))
        types += [kind for plan in operation.facts(PagePlan) for kind in filter_types(plan)]
    return Schemas(types)
