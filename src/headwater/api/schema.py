"""Two schemas compared: which values only one of them accepts.

A schema that accepts fewer values breaks clients that send them; one that accepts more breaks clients that receive
them. So each difference names the directions in which it breaks. A schema is split into alternatives (``anyOf``,
several types, null), which are paired by type and, where there are several objects, by their tag or title.
"""

import json
from collections.abc import Iterator
from typing import Any, Final, Literal, NamedTuple

from headwater.api.change import Document
from headwater.api.reference import identity, resolve

Direction = Literal["request", "response"]
Breaks = frozenset[Direction]

NARROWED: Final[Breaks] = frozenset({"request"})
"""Fewer values are valid: what clients send may be refused."""
WIDENED: Final[Breaks] = frozenset({"response"})
"""More values are valid: clients may receive values that they do not know."""
CHANGED: Final[Breaks] = NARROWED | WIDENED
HARMLESS: Final[Breaks] = frozenset()

_LOWER: Final = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_UPPER: Final = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_EXACT: Final = ("pattern", "format", "multipleOf", "contentEncoding")
_SAID: Final = frozenset({"title", "description", "default", "example", "examples", "deprecated", "externalDocs"})
_ANY: Final = "any"


class Difference(NamedTuple):
    """`pointer` is a JSON pointer into the value, with ``*`` for every item of an array or a mapping."""

    rule: str
    pointer: str
    detail: str
    breaks: Breaks


class SchemaComparison:
    """Compares the schemas of two documents; recursive schemas are followed once."""

    def __init__(self, old: Document, new: Document) -> None:
        self._old = old
        self._new = new
        self._open: set[tuple[Any, Any]] = set()

    def compare(self, old: Any, new: Any, pointer: str = "") -> Iterator[Difference]:
        """The differences between two schemas, which may be references."""
        pair = (identity(old), identity(new))
        if pair in self._open:
            return
        self._open.add(pair)
        try:
            yield from _default(resolve(self._old, old), resolve(self._new, new), pointer)
            yield from self._alternatives(_alternatives(self._old, old), _alternatives(self._new, new), pointer)
        finally:
            self._open.discard(pair)

    def _alternatives(self, old: list[Document], new: list[Document], pointer: str) -> Iterator[Difference]:
        if any(_type_of(each) == _ANY for each in old + new):
            yield from _anything(old, new, pointer)
            return
        types = dict.fromkeys(_type_of(each) for each in old + new)
        for kind in types:
            ours = [each for each in old if _type_of(each) == kind]
            theirs = [each for each in new if _type_of(each) == kind]
            yield from self._of_type(kind, ours, theirs, pointer)

    def _of_type(self, kind: str, old: list[Document], new: list[Document], pointer: str) -> Iterator[Difference]:
        before, after = _tokens(self._old, old), _tokens(self._new, new)
        pairs = [(before[token], after[token]) for token in before if token in after]
        gone = [before[token] for token in before if token not in after]
        come = [after[token] for token in after if token not in before]
        if len(gone) == len(come) == 1:
            pairs.append((gone.pop(), come.pop()))
        for ours, theirs in pairs:
            yield from self._simple(kind, ours, theirs, pointer)
        for each in gone:
            yield Difference("type-removed", pointer, f"the alternative {_named(each)} was removed", NARROWED)
        for each in come:
            yield Difference("type-added", pointer, f"{_named(each)} is a new alternative", WIDENED)

    def _simple(self, kind: str, old: Document, new: Document, pointer: str) -> Iterator[Difference]:
        if old.get("type") != new.get("type") and kind == "number":
            limited = new.get("type") == "integer"
            rule = "type-limited" if limited else "type-unlimited"
            detail = f"{old.get('type')} became {new.get('type')}"
            yield Difference(rule, pointer, detail, NARROWED if limited else WIDENED)
        yield from _values(old, new, pointer)
        for keyword in (*_LOWER, *_UPPER):
            yield from _bound(keyword, old.get(keyword), new.get(keyword), pointer)
        for keyword in _EXACT:
            yield from _exact(keyword, old.get(keyword), new.get(keyword), pointer)
        if old.get("uniqueItems", False) != new.get("uniqueItems", False):
            narrowed = bool(new.get("uniqueItems", False))
            rule = "constraint-added" if narrowed else "constraint-removed"
            yield Difference(rule, pointer, "uniqueItems", NARROWED if narrowed else WIDENED)
        if kind == "object":
            yield from self._fields(old, new, pointer)
        elif kind == "array":
            yield from self._items(old, new, pointer)

    def _fields(self, old: Document, new: Document, pointer: str) -> Iterator[Difference]:
        before, after = old.get("properties", {}), new.get("properties", {})
        required_before, required_after = set(old.get("required", ())), set(new.get("required", ()))
        for name in before:
            where = f"{pointer}/{name}"
            if name not in after:
                closed = new.get("additionalProperties") is False
                yield Difference("field-removed", where, "the field was removed", CHANGED if closed else WIDENED)
                continue
            if name in required_after - required_before:
                yield Difference("field-required", where, "the field is required now", NARROWED)
            if name in required_before - required_after:
                yield Difference("field-optional", where, "the field is optional now", WIDENED)
            yield from self.compare(before[name], after[name], where)
        for name in after:
            if name not in before:
                needed = name in required_after
                yield Difference(
                    "field-added",
                    f"{pointer}/{name}",
                    "a new required field" if needed else "a new field",
                    NARROWED if needed else HARMLESS,
                )
        yield from self._others(old.get("additionalProperties", True), new.get("additionalProperties", True), pointer)

    def _others(self, old: Any, new: Any, pointer: str) -> Iterator[Difference]:
        """Fields that the schema does not name, as in a mapping."""
        if (old is False) != (new is False):
            closed = new is False
            rule, text = (
                ("closed", "unnamed fields are refused now") if closed else ("opened", "any field is valid now")
            )
            yield Difference(rule, pointer, text, NARROWED if closed else HARMLESS)
        elif isinstance(old, dict) or isinstance(new, dict):
            yield from self.compare({} if old is True else old, {} if new is True else new, f"{pointer}/*")

    def _items(self, old: Document, new: Document, pointer: str) -> Iterator[Difference]:
        before, after = old.get("prefixItems", []), new.get("prefixItems", [])
        for index in range(max(len(before), len(after))):
            ours = before[index] if index < len(before) else old.get("items", {})
            theirs = after[index] if index < len(after) else new.get("items", {})
            yield from self._item(ours, theirs, f"{pointer}/{index}")
        yield from self._item(old.get("items", {}), new.get("items", {}), f"{pointer}/*")

    def _item(self, old: Any, new: Any, pointer: str) -> Iterator[Difference]:
        if (old is False) != (new is False):
            closed = new is False
            rule = "constraint-added" if closed else "constraint-removed"
            yield Difference(rule, pointer, "whether there may be such items", NARROWED if closed else WIDENED)
        elif old is not False:
            yield from self.compare(old, new, pointer)


def _default(old: Document, new: Document, pointer: str) -> Iterator[Difference]:
    if ("default" in old or "default" in new) and old.get("default", _SAID) != new.get("default", _SAID):
        before, after = _written(old.get("default", "none")), _written(new.get("default", "none"))
        yield Difference("default-changed", pointer, f"the default was {before} and is {after}", HARMLESS)


def _anything(old: list[Document], new: list[Document], pointer: str) -> Iterator[Difference]:
    """For schemas of which at least one accepts any value."""
    was, is_now = any(_type_of(each) == _ANY for each in old), any(_type_of(each) == _ANY for each in new)
    if was and not is_now:
        yield Difference("type-limited", pointer, f"it was anything and is {_list(new)}", NARROWED)
    elif is_now and not was:
        yield Difference("type-unlimited", pointer, f"it was {_list(old)} and is anything", WIDENED)


def _values(old: Document, new: Document, pointer: str) -> Iterator[Difference]:
    before, after = old.get("enum"), new.get("enum")
    if before is None and after is not None:
        yield Difference("values-limited", pointer, f"only {_list(after)} are accepted now", NARROWED)
    elif before is not None and after is None:
        yield Difference("values-unlimited", pointer, "any value is accepted now", WIDENED)
    elif before is not None and after is not None:
        for value in before:
            if value not in after:
                yield Difference("value-removed", pointer, f"the value {_written(value)} was removed", NARROWED)
        for value in after:
            if value not in before:
                yield Difference("value-added", pointer, f"{_written(value)} is a new value", WIDENED)


def _bound(keyword: str, old: Any, new: Any, pointer: str) -> Iterator[Difference]:
    if old == new:
        return
    lower = keyword in _LOWER
    narrowed = old is None or (new is not None and (new > old if lower else new < old))
    rule = "range-narrowed" if narrowed else "range-widened"
    detail = f"{keyword} was {_bounded(old)} and is {_bounded(new)}"
    yield Difference(rule, pointer, detail, NARROWED if narrowed else WIDENED)


def _exact(keyword: str, old: Any, new: Any, pointer: str) -> Iterator[Difference]:
    if old == new:
        return
    if old is None:
        yield Difference("constraint-added", pointer, f"{keyword} {_written(new)}", NARROWED)
    elif new is None:
        yield Difference("constraint-removed", pointer, f"{keyword} {_written(old)}", WIDENED)
    else:
        detail = f"{keyword} was {_written(old)} and is {_written(new)}"
        yield Difference("constraint-changed", pointer, detail, CHANGED)


def _alternatives(document: Document, node: Any, seen: frozenset[Any] = frozenset()) -> list[Document]:
    """The schema's alternatives, each of one type; a recursive reference adds nothing."""
    if identity(node) in seen:
        return []
    seen |= {identity(node)}
    schema = _merged(document, node, seen)
    for keyword in ("anyOf", "oneOf"):
        if keyword in schema:
            rest = {key: value for key, value in schema.items() if key != keyword and key not in _SAID}
            rest.pop("discriminator", None)
            found = [each for member in schema[keyword] for each in _alternatives(document, member, seen)]
            return [{**rest, **each} for each in found]
    return list(_by_type(schema))


def _by_type(schema: Document) -> Iterator[Document]:
    values = [schema["const"]] if "const" in schema else schema.get("enum")
    if values is not None:
        plain = {key: value for key, value in schema.items() if key not in ("const", "enum", "type")}
        for kind in dict.fromkeys(map(_type_of_value, values)):
            if kind == "null":
                yield {"type": "null"}
            else:
                yield {**plain, "type": kind, "enum": [each for each in values if _type_of_value(each) == kind]}
        return
    kinds = schema.get("type")
    if isinstance(kinds, list):
        for kind in kinds:
            yield {**schema, "type": kind}
    else:
        yield schema


def _merged(document: Document, node: Any, seen: frozenset[Any]) -> Document:
    """The schema with all of its ``allOf`` merged into it."""
    schema = resolve(document, node)
    if "allOf" not in schema:
        return schema
    whole: Document = {}
    rest = {key: value for key, value in schema.items() if key != "allOf"}
    for part in schema["allOf"]:
        if identity(part) not in seen:
            whole = _joined(whole, _merged(document, part, seen | {identity(part)}))
    return _joined(whole, rest)


def _joined(first: Document, second: Document) -> Document:
    joined = {**first, **second}
    if "properties" in first and "properties" in second:
        joined["properties"] = {**first["properties"], **second["properties"]}
    if "required" in first and "required" in second:
        joined["required"] = [*dict.fromkeys([*first["required"], *second["required"]])]
    return joined


def _type_of(schema: Document) -> str:
    kind = schema.get("type")
    if isinstance(kind, str):
        return "number" if kind == "integer" else kind
    if "properties" in schema:
        return "object"
    return "array" if "items" in schema or "prefixItems" in schema else _ANY


def _type_of_value(value: Any) -> str:
    if value is None:
        return "null"
    kinds = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return kinds[type(value)]


def _tokens(document: Document, schemas: list[Document]) -> dict[str, Document]:
    """The alternatives of one type by their tag or title; numbered if they have neither."""
    found: dict[str, Document] = {}
    for schema in schemas:
        token, count = _token(document, schema), 1
        while (name := f"{token} {count}") in found:
            count += 1
        found[name] = schema
    return found


def _token(document: Document, schema: Document) -> str:
    """The tag or title of an alternative."""
    if schema.get("type") == "integer":
        return "integer"
    if _type_of(schema) != "object":
        return json.dumps({key: value for key, value in schema.items() if key not in _SAID}, sort_keys=True)
    for name, field in schema.get("properties", {}).items():
        values = resolve(document, field)
        tags = [values["const"]] if "const" in values else values.get("enum", [])
        if len(tags) == 1 and name in schema.get("required", ()):
            return f"{name}={tags[0]}"
    return str(schema.get("title", ""))


def _named(schema: Document) -> str:
    return str(schema.get("title") or schema.get("format") or schema.get("type") or _ANY)


def _list(values: list[Any]) -> str:
    return " or ".join(_named(each) if isinstance(each, dict) else _written(each) for each in values) or "nothing"


def _written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _bounded(value: Any) -> str:
    return "open" if value is None else _written(value)
