"""Two documents compared: what changes for clients of the older one.

A change breaks clients if it removes an operation, a successful status, a media type or a field of a response; makes a
parameter or a field of a body required; accepts fewer values in requests; allows more values in responses; or requires
another credential. Whatever only names the version is ignored, so that versions can be compared with each other.
"""

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from headwater.api.change import Change, Document
from headwater.api.errors import DocumentInvalid
from headwater.api.reference import resolve
from headwater.api.schema import Direction, SchemaComparison

OF_VERSION: Final = "x-headwater-version"
"""Marks a parameter or header that selects the version."""
VERSIONS: Final = "x-headwater-versions"

_METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_PLACEHOLDER: Final = re.compile(r"\{[^{}]*\}")
_VERSION: Final = re.compile(r";\s*version=[^;]*", re.IGNORECASE)


def compare(old: Document, new: Document) -> list[Change]:
    """Every change from one document to the other, in the order of the older one.

    Raises `ReferenceUnresolved`, and `DocumentInvalid` for what is not an OpenAPI 3 document.
    """
    for document in (old, new):
        if not str(document.get("openapi", "")).startswith("3."):
            raise DocumentInvalid(source="The value", reason="`openapi: 3.…` is missing")
    return list(_Comparison(old, new).changes())


class _Operation(NamedTuple):
    """`name` is its method and path, `node` its object, `shared` the parameters of its path."""

    name: str
    path: str
    node: Document
    shared: list[Any]


class _Comparison:
    def __init__(self, old: Document, new: Document) -> None:
        self._old = old
        self._new = new

    def changes(self) -> Iterator[Change]:
        yield from self._versions()
        before, after = _operations(self._old), _operations(self._new)
        for key, operation in before.items():
            if key in after:
                yield from _Pair(self._old, self._new, operation, after[key]).changes()
            else:
                yield _change(operation.name, "operation-removed", "", "the operation was removed", True)
        for key, operation in after.items():
            if key not in before:
                yield _change(operation.name, "operation-added", "", "a new operation", False)

    def _versions(self) -> Iterator[Change]:
        before = [each["name"] for each in self._old.get(VERSIONS, ())]
        after = [each["name"] for each in self._new.get(VERSIONS, ())]
        for name in before:
            if name not in after:
                yield _change("*", "version-removed", name, f"version {name} of the API was removed", True)
        for name in after:
            if name not in before:
                yield _change("*", "version-added", name, f"a new version {name} of the API", False)


class _Pair:
    """One operation before and after."""

    def __init__(self, old_document: Document, new_document: Document, old: _Operation, new: _Operation) -> None:
        self._documents = (old_document, new_document)
        self._schemas = SchemaComparison(old_document, new_document)
        self._before, self._after = old, new
        self._name = old.name

    def changes(self) -> Iterator[Change]:
        old, new = self._before.node, self._after.node
        if old.get("operationId") != new.get("operationId"):
            detail = f"the operation was called {old.get('operationId')} and is called {new.get('operationId')}"
            yield self._change("operation-renamed", "", detail, False)
        if bool(old.get("deprecated")) != bool(new.get("deprecated")):
            if new.get("deprecated"):
                yield self._change("deprecated", "", "the operation is deprecated now", False)
            else:
                yield self._change("undeprecated", "", "the operation is no longer deprecated", False)
        yield from self._security()
        yield from self._parameters()
        yield from self._body(self._resolve(0, old.get("requestBody")), self._resolve(1, new.get("requestBody")))
        yield from self._responses(old.get("responses", {}), new.get("responses", {}))

    def _parameters(self) -> Iterator[Change]:
        before, after = self._parameters_of(0), self._parameters_of(1)
        for key, old in before.items():
            location = _location_of(old)
            new = after.get(key)
            if new is None:
                yield self._change("parameter-removed", location, "the parameter was removed", True)
                continue
            needed, needs = bool(old.get("required")), bool(new.get("required"))
            if needed != needs:
                rule, detail = _need("parameter", needs)
                yield self._change(rule, location, detail, needs)
            if (old.get("style"), old.get("explode")) != (new.get("style"), new.get("explode")):
                yield self._change("style-changed", location, "several values are serialised differently", True)
            yield from self._schema(old.get("schema", {}), new.get("schema", {}), "request", location)
        for key, new in after.items():
            if key not in before:
                needs = bool(new.get("required"))
                detail = "a new required parameter" if needs else "a new parameter"
                yield self._change("parameter-added", _location_of(new), detail, needs)

    def _parameters_of(self, which: int) -> dict[tuple[str, str], Document]:
        """By location and name; path parameters by index, since their names do not matter to clients."""
        operation = (self._before, self._after)[which]
        names = [each[1:-1] for each in _PLACEHOLDER.findall(operation.path)]
        found = {}
        for node in [*operation.shared, *operation.node.get("parameters", ())]:
            parameter = self._resolve(which, node)
            if not parameter.get(OF_VERSION):
                name, where = parameter["name"], parameter["in"]
                if where == "path":
                    name = str(names.index(name)) if name in names else name
                found[where, name.lower() if where == "header" else name] = parameter
        return found

    def _body(self, old: Document, new: Document) -> Iterator[Change]:
        if not old and not new:
            return
        needed, needs = bool(old.get("required")), bool(new.get("required"))
        if not old:
            yield self._change("body-added", "body", "the operation has a request body now", needs)
        elif not new:
            yield self._change("body-removed", "body", "the request body was removed", True)
        else:
            if needed != needs:
                rule, detail = _need("body", needs)
                yield self._change(rule, "body", detail, needs)
            yield from self._content(old.get("content", {}), new.get("content", {}), "request", "body")

    def _responses(self, old: Document, new: Document) -> Iterator[Change]:
        for status, node in old.items():
            location = f"response {status}"
            if status not in new:
                success = status.startswith(("2", "3"))
                yield self._change("response-removed", location, "the response was removed", success)
                continue
            before, after = self._resolve(0, node), self._resolve(1, new[status])
            yield from self._headers(before.get("headers", {}), after.get("headers", {}), location)
            yield from self._content(before.get("content", {}), after.get("content", {}), "response", location)
        for status in new:
            if status not in old:
                yield self._change("response-added", f"response {status}", "a new response", False)

    def _headers(self, old: Document, new: Document, location: str) -> Iterator[Change]:
        before, after = self._headers_of(0, old), self._headers_of(1, new)
        for name, header in before.items():
            where = f"{location} header {name}"
            if name not in after:
                yield self._change("header-removed", where, "the header was removed", True)
            else:
                yield from self._schema(header.get("schema", {}), after[name].get("schema", {}), "response", where)
        for name in after:
            if name not in before:
                yield self._change("header-added", f"{location} header {name}", "a new header", False)

    def _headers_of(self, which: int, headers: Document) -> dict[str, Document]:
        found = {name.title(): self._resolve(which, node) for name, node in headers.items()}
        return {name: header for name, header in found.items() if not header.get(OF_VERSION)}

    def _content(self, old: Document, new: Document, direction: Direction, location: str) -> Iterator[Change]:
        before, after = _by_media_type(old), _by_media_type(new)
        for kind, media in before.items():
            if kind not in after:
                yield self._change("media-type-removed", f"{location} {kind}", f"{kind} was removed", True)
            else:
                yield from self._schema(
                    media.get("schema", {}), after[kind].get("schema", {}), direction, f"{location} {kind}"
                )
        for kind in after:
            if kind not in before:
                yield self._change("media-type-added", f"{location} {kind}", f"{kind} is new", False)

    def _schema(self, old: Any, new: Any, direction: Direction, location: str) -> Iterator[Change]:
        for each in self._schemas.compare(old, new):
            where = f"{location} {each.pointer}" if each.pointer else location
            yield self._change(each.rule, where, each.detail, direction in each.breaks)

    def _security(self) -> Iterator[Change]:
        """Each alternative is a set of credentials; one that no longer suffices breaks the clients that use it."""
        before, after = self._admissions(0), self._admissions(1)
        for ways, others, rule in ((before, after, "security-removed"), (after, before, "security-added")):
            for way in ways:
                if way not in others:
                    suffices = rule == "security-added" or any(other <= way for other in others)
                    yield self._change(rule, _admission(way), "an authentication alternative", not suffices)

    def _admissions(self, which: int) -> list[frozenset[str]]:
        node = (self._before, self._after)[which].node
        ways = node.get("security", self._documents[which].get("security", []))
        found = [
            frozenset(" ".join([scheme, *sorted(scopes)]) for scheme, scopes in way.items()) for way in ways or [{}]
        ]
        return list(dict.fromkeys(found))

    def _resolve(self, which: int, node: Any) -> Document:
        return resolve(self._documents[which], node) if node is not None else {}

    def _change(self, rule: str, location: str, detail: str, breaking: bool) -> Change:
        return _change(self._name, rule, location, detail, breaking)


def _operations(document: Document) -> dict[tuple[str, str], _Operation]:
    found: dict[tuple[str, str], _Operation] = {}
    for path, item in document.get("paths", {}).items():
        item = resolve(document, item)
        for method in _METHODS:
            if method in item:
                operation = _Operation(f"{method.upper()} {path}", path, item[method], item.get("parameters", []))
                found[method, _PLACEHOLDER.sub("{}", path)] = operation
    return found


def _by_media_type(content: Document) -> Document:
    """Without the version parameter that a vendor media type may have."""
    return {_VERSION.sub("", kind): media for kind, media in content.items()}


def _location_of(parameter: Document) -> str:
    return f"{parameter['in']} parameter {parameter['name']}"


def _need(what: str, needed: bool) -> tuple[str, str]:
    if needed:
        return f"{what}-required", f"the {what} is required now"
    return f"{what}-optional", f"the {what} is optional now"


def _admission(way: frozenset[str]) -> str:
    return " and ".join(sorted(way)) or "nothing"


def _change(operation: str, rule: str, location: str, detail: str, breaking: bool) -> Change:
    return Change(operation=operation, rule=rule, location=location, detail=detail, breaking=breaking)
