"""Shapes: named schemas as Structs and type aliases, and any schema as a type expression."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from headwater.api.client.names import TYPES, class_name, class_names, variable
from headwater.api.client.text import INDENT, WIDTH, docstring

Schema = Mapping[str, Any]

PREFIX: Final = "#/components/schemas/"
_BY_FORMAT: Final = {
    "date": "dt.date",
    "date-time": "dt.datetime",
    "date-time-local": "dt.datetime",
    "decimal": "Decimal",
    "duration": "dt.timedelta",
    "time": "dt.time",
    "time-local": "dt.time",
    "uuid": "UUID",
}
_LONG: Final = 60
_VALUE: Final = re.compile(r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^,\s])+""")
_PLAIN: Final = {"boolean": "bool", "integer": "int", "null": "None", "number": "float"}


class Shapes:
    """The named schemas. `taken` are names that the module uses otherwise."""

    def __init__(self, components: Mapping[str, Schema], taken: frozenset[str]) -> None:
        self._components = components
        self.names = class_names(components, taken)
        self._taken = taken
        self._named: dict[str, str] = {}
        self._tags = dict(self._find_tags())

    def type_of(self, schema: Schema, hint: str = "") -> str:
        """The Python type of this schema; a long list of values gets a named alias, after `hint`."""
        if "$ref" in schema:
            return self.names[schema["$ref"].removeprefix(PREFIX)]
        if "const" in schema:
            return f"Literal[{_literal(schema['const'])}]"
        if "enum" in schema:
            literal = f"Literal[{', '.join(map(_literal, schema['enum']))}]"
            return self._name_for(literal, hint) if hint and len(literal) > _LONG else literal
        choices = schema.get("anyOf") or schema.get("oneOf")
        if choices:
            return _union(self.type_of(choice, hint) for choice in choices)
        kind = schema.get("type")
        if isinstance(kind, list):
            return _union(self.type_of({**schema, "type": each}, hint) for each in kind)
        match kind:
            case "array":
                return self._array(schema, hint)
            case "object":
                others = schema.get("additionalProperties")
                return f"dict[str, {self.type_of(others, hint) if isinstance(others, dict) else 'Any'}]"
            case "string":
                encoded = schema.get("contentEncoding") == "base64"
                return "bytes" if encoded else _BY_FORMAT.get(schema.get("format", ""), "str")
        return _PLAIN.get(str(kind), "Any")

    def find(self, schema: Schema) -> Schema:
        """The schema that a reference refers to."""
        return self._components[schema["$ref"].removeprefix(PREFIX)] if "$ref" in schema else schema

    def write(self) -> Iterator[str]:
        """The lines of the classes, each preceded by two empty lines; then the aliases, dependencies first."""
        aliases = {name: schema for name, schema in self._components.items() if not _is_struct(schema)}
        for name, schema in self._components.items():
            if name not in aliases:
                yield from ("", "")
                yield from self._struct(name, schema)
        written: set[str] = set()
        for name in aliases:
            yield from self._alias(name, aliases, written, ())
        for literal, name in self._named.items():
            yield from ("", "", *_alias_lines(name, literal))

    def _name_for(self, literal: str, hint: str) -> str:
        """The same values have the same name everywhere."""
        if literal not in self._named:
            self._named[literal] = class_name(hint, {*self._taken, *self.names.values(), *self._named.values()})
        return self._named[literal]

    def _alias(
        self, name: str, aliases: Mapping[str, Schema], written: set[str], above: tuple[str, ...]
    ) -> Iterator[str]:
        """A recursive alias is Any, since type checkers do not support it."""
        if name in written or name in above:
            return
        needed = [each["$ref"].removeprefix(PREFIX) for each in _all_of(aliases[name]) if "$ref" in each]
        for other in needed:
            if other in aliases:
                yield from self._alias(other, aliases, written, (*above, name))
        written.add(name)
        endless = any(other not in written and other in aliases for other in needed)
        kind = "Any" if endless else self.type_of(aliases[name])
        yield from ("", "", *_alias_lines(self.names[name], kind))
        yield from docstring(aliases[name].get("description", ""), "")

    def _array(self, schema: Schema, hint: str) -> str:
        first = [self.type_of(each, hint) for each in schema.get("prefixItems", ())]
        items = schema.get("items")
        if first and not isinstance(items, dict):
            return f"tuple[{', '.join(first)}]"
        return f"list[{self.type_of(items, hint) if isinstance(items, dict) and not first else 'Any'}]"

    def _struct(self, name: str, schema: Schema) -> Iterator[str]:
        tag = self._tags.get(name)
        options = f", tag_field={_text(tag[0])}, tag={_literal(tag[1])}" if tag else ""
        yield f"class {self.names[name]}(msgspec.Struct, kw_only=True{options}):"
        described = docstring(schema.get("description", ""))
        yield from described
        fields = {key: each for key, each in schema["properties"].items() if not tag or key != tag[0]}
        if described and fields:
            yield ""
        if not described and not fields:
            yield f"{INDENT}pass"
        taken = set(TYPES)
        for key, each in fields.items():
            word = variable(key, taken)
            taken.add(word)
            yield f"{INDENT}{word}: {self._field(self.names[name], key, word, each, key in schema.get('required', ()))}"
            yield from docstring(each.get("description", ""))

    def _field(self, owner: str, key: str, word: str, schema: Schema, required: bool) -> str:
        kind, options = self.type_of(schema, f"{owner} {key}"), []
        if required and len(schema.get("enum", ())) == 1:
            required, schema = False, {**schema, "default": schema["enum"][0]}
        if word != key:
            options.append(f"name={_text(key)}")
        if not required:
            default = self._default(schema)
            if default == "msgspec.UNSET":
                kind = _union((*kind.split(" | "), "msgspec.UnsetType"))
            options.insert(0, default if default.startswith("default_factory") else f"default={default}")
        if not options:
            return kind
        if len(options) == 1 and options[0].startswith("default="):
            return f"{kind} = {options[0].removeprefix('default=')}"
        return f"{kind} = msgspec.field({', '.join(options)})"

    def _default(self, schema: Schema) -> str:
        """Without a default that can be written as a literal, an optional field is omitted from the request."""
        default = schema.get("default", ...)
        if isinstance(default, list | dict) and not default:
            return f"default_factory={type(default).__name__}"
        if default is None or (self.type_of(schema) in ("bool", "int", "float", "str") and default is not ...):
            return _literal(default)
        if "enum" in schema and default in schema["enum"]:
            return _literal(default)
        return "msgspec.UNSET"

    def _find_tags(self) -> Iterator[tuple[str, tuple[str, Any]]]:
        """By named schema: the discriminator's field and value."""
        for schema in _all_of(self._components):
            discriminator = schema.get("discriminator")
            if isinstance(discriminator, dict):
                for tag, reference in discriminator.get("mapping", {}).items():
                    name = reference.removeprefix(PREFIX)
                    field = discriminator["propertyName"]
                    yield name, (field, self._tag(name, field, tag))

    def _tag(self, name: str, field: str, tag: Any) -> Any:
        values = self._components[name]["properties"][field].get("enum", [tag])
        return next((value for value in values if str(value) == str(tag)), tag)


def _alias_lines(name: str, kind: str) -> list[str]:
    line = f"{name}: TypeAlias = {kind}"
    if len(line) <= WIDTH or not kind.startswith("Literal["):
        return [line]
    values = kind.removeprefix("Literal[").removesuffix("]")
    inside = [f"{INDENT}{values}"] if len(values) + len(INDENT) <= WIDTH else _VALUE.findall(values)
    if len(inside) > 1:
        inside = [f"{INDENT}{value}," for value in inside]
    return [f"{name}: TypeAlias = Literal[", *inside, "]"]


def _union(kinds: Iterable[str]) -> str:
    """The distinct alternatives, None last."""
    return " | ".join(sorted(dict.fromkeys(kinds), key=lambda kind: kind == "None"))


def _is_struct(schema: Schema) -> bool:
    return schema.get("type") == "object" and "properties" in schema


def _all_of(node: Any) -> Iterator[Schema]:
    if isinstance(node, Mapping):
        yield node
        for each in node.values():
            yield from _all_of(each)
    elif isinstance(node, list):
        for each in node:
            yield from _all_of(each)


def _text(value: str) -> str:
    """In double quotes, as formatters write it."""
    quoted = repr(value)
    return f'"{quoted[1:-1]}"' if quoted[0] == "'" and '"' not in value else quoted


def _literal(value: Any) -> str:
    return _text(value) if isinstance(value, str) else repr(value)
