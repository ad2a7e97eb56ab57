"""The query parameters of a list in its OpenAPI operation."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from headwater.http.page.cursor import LENGTH_LIMIT
from headwater.http.page.filter import IN_LIMIT, TEXT_LIMIT, Filter
from headwater.http.page.plan import COUNT, CURSOR, FIELDS, LIMIT, SORT, PagePlan

Document = dict[str, Any]


def describe_parameters(plan: PagePlan, schema_of: Callable[[Any], Document]) -> Iterator[Document]:
    """One after the other; `schema_of` gives the schema of a type."""
    pages = plan.pages
    if plan.sortable:
        names = [sign + name for name in plan.sortable for sign in ("", "-")]
        default = plan.default.split(",") if plan.default else None
        yield _list(SORT, "The order: fields, each with an optional minus for descending.", names, default)
    yield _parameter(
        LIMIT,
        "Maximum items of a page.",
        {"type": "integer", "minimum": 1, "maximum": pages.most, "default": pages.limit},
    )
    yield _parameter(
        CURSOR,
        "Where to continue: `next` or `previous` of a page, sent with the same sort and filters as that page.",
        {"type": "string", "minLength": 1, "maxLength": LENGTH_LIMIT},
    )
    if COUNT in plan.parameters:
        schema = {"type": "string", "enum": list(plan.counts), "default": "none"}
        yield _parameter(COUNT, "Whether `count` has the number of items over all pages.", schema)
    if plan.fields:
        yield describe_fields(plan.fields)
    for each in plan.filters.values():
        yield _filter(each, schema_of)


def describe_fields(names: Iterable[str]) -> Document:
    """The parameter that chooses among fields of these names."""
    return _list(FIELDS, "Only these fields of each item, separated by commas.", list(names), None)


def filter_types(plan: PagePlan) -> list[Any]:
    """The types whose schemas `describe_parameters` asks for."""
    return [each.kind for each in plan.filters.values()]


def _list(name: str, description: str, items: list[str], default: list[str] | None) -> Document:
    schema: Document = {
        "type": "array",
        "items": {"type": "string", "enum": items},
        "minItems": 1,
        "uniqueItems": True,
    }
    if default is not None:
        schema["default"] = default
    example = default or items[: min(2, len(items))]
    return {**_parameter(name, description, schema), "style": "form", "explode": False, "example": example}


def _filter(each: Filter, schema_of: Callable[[Any], Document]) -> Document:
    schema = schema_of(each.kind)
    if schema.get("type") == "string" and "enum" not in schema and "format" not in schema:
        schema["maxLength"] = min(schema.get("maxLength", TEXT_LIMIT), TEXT_LIMIT)
    if not each.many:
        return _parameter(each.name, f"Only items where {each.meaning}.", schema)
    items = {"type": "array", "items": schema, "minItems": 1, "maxItems": IN_LIMIT}
    whole = _parameter(each.name, f"Only items where {each.meaning}; give it once for each.", items)
    return {**whole, "style": "form", "explode": True}


def _parameter(name: str, description: str, schema: Document) -> Document:
    return {"name": name, "in": "query", "required": False, "description": description, "schema": schema}
