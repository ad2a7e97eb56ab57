"""Examples: a deterministic value that matches a schema.

Of the schema's own, ``Meta(examples=[…])`` first and then its default; else one is made from type, format and bounds.
"""

from collections.abc import Mapping
from typing import Any, Final

from headwater.http.openapi.pattern import text_that_matches

Schema = Mapping[str, Any]

_PREFIX: Final = "#/components/schemas/"
_BY_FORMAT: Final = {
    "uuid": "0199f3c2-7d1e-7c4b-9a55-3f6f0b6f2a10",
    "date-time": "2026-01-31T12:30:00Z",
    "date-time-local": "2026-01-31T12:30:00",
    "date": "2026-01-31",
    "time": "12:30:00Z",
    "time-local": "12:30:00",
    "duration": "PT1H30M",
    "decimal": "12.50",
    "uri": "https://example.org/",
    "uri-reference": "/",
    "email": "ada@example.org",
}
_BY_NAME: Final = {
    "city": "Lisbon",
    "country": "PT",
    "currency": "EUR",
    "description": "A few words about it.",
    "email": "ada@example.org",
    "label": "urgent",
    "name": "A name",
    "note": "A few words about it.",
    "tag": "urgent",
    "text": "A few words about it.",
    "title": "A title",
    "url": "https://example.org/",
}
_TEXT: Final = "text"
_BASE64: Final = "aGVhZHdhdGVy"


def example_of(schema: Schema, components: Mapping[str, Schema], name: str = "") -> Any:
    """A value that fits `schema`, whose references lead into `components`; `name` is what it would be called."""
    return _Examples(components).make(schema, name, ())


class _Endless(Exception):
    """A value of this schema would have to hold itself."""


class _Examples:
    def __init__(self, components: Mapping[str, Schema]) -> None:
        self._components = components

    def make(self, schema: Schema, name: str, above: tuple[str, ...]) -> Any:
        """`above` are the named schemas that this one is inside of; none is entered twice."""
        if "$ref" in schema and not schema.get("examples"):
            return self._named(schema["$ref"], name, above)
        if schema.get("examples"):
            return schema["examples"][0]
        if schema.get("default") is not None:
            return schema["default"]
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return schema["enum"][0]
        for combined in ("anyOf", "oneOf"):
            if combined in schema:
                return self._one_of(schema[combined], name, above)
        return self._of_type(schema, name, above)

    def _named(self, reference: str, name: str, above: tuple[str, ...]) -> Any:
        if reference in above:
            raise _Endless
        return self.make(self._components[reference.removeprefix(_PREFIX)], name, (*above, reference))

    def _one_of(self, choices: list[Schema], name: str, above: tuple[str, ...]) -> Any:
        """The first that has an end, null last."""
        for choice in sorted(choices, key=lambda choice: choice.get("type") == "null"):
            try:
                return self.make(choice, name, above)
            except _Endless:
                continue
        raise _Endless

    def _of_type(self, schema: Schema, name: str, above: tuple[str, ...]) -> Any:
        match schema.get("type"):
            case "object":
                return self._object(schema, above)
            case "array":
                return self._array(schema, name, above)
            case "string":
                return _string(schema, name)
            case "integer" | "number":
                return _number(schema)
            case "boolean":
                return True
        return None

    def _object(self, schema: Schema, above: tuple[str, ...]) -> Any:
        made, required = {}, schema.get("required", ())
        for name, each in schema.get("properties", {}).items():
            try:
                made[name] = self.make(each, name, above)
            except _Endless:
                if name in required:
                    raise
        others = schema.get("additionalProperties")
        if isinstance(others, dict):
            made |= {f"key{n}": self.make(others, "", above) for n in range(1, schema.get("minProperties", 1) + 1)}
        return made

    def _array(self, schema: Schema, name: str, above: tuple[str, ...]) -> Any:
        first = [self.make(each, name, above) for each in schema.get("prefixItems", ())]
        items, least = schema.get("items"), schema.get("minItems", 0)
        if not isinstance(items, dict):
            return first + [None] * (least - len(first))
        if schema.get("maxItems") == 0:
            return []
        try:
            return first + [self.make(items, name.removesuffix("s"), above)] * max(1 - len(first), least - len(first))
        except _Endless:
            if least > len(first):
                raise
            return first


def _string(schema: Schema, name: str) -> str:
    least, most = schema.get("minLength", 0), schema.get("maxLength")
    if "pattern" in schema:
        return text_that_matches(schema["pattern"], least)
    if schema.get("contentEncoding") == "base64":
        return _BASE64
    if (known := _BY_FORMAT.get(schema.get("format", ""))) is not None:
        return known
    text: str = _BY_NAME.get(name.lower(), _TEXT)
    if most is not None and len(text) > most:
        text = _TEXT[:most]
    return text.ljust(least, _TEXT[0])


def _number(schema: Schema) -> int | float:
    """The least that fits; without a lower bound 1, or what an upper one leaves."""
    step = schema.get("multipleOf", 1)
    if "minimum" in schema:
        least = schema["minimum"]
    elif "exclusiveMinimum" in schema:
        least = schema["exclusiveMinimum"] + (step if schema["type"] == "integer" else step / 2)
    else:
        least = min(1, schema.get("maximum", 1), schema.get("exclusiveMaximum", 2) - 1)
    whole = "multipleOf" in schema or schema["type"] == "integer"
    fitting: int | float = -(-least // step) * step if whole else least
    return fitting
