"""The router: from method and path to an endpoint, or to the methods of the path.

Precedence at each segment: literal, then typed parameters (int before UUID before others), then `str`. If a narrower
choice does not match, the next is tried. A value that is invalid for a parameter's type does not match it, so
``/orders/x`` with ``{id: int}`` is a 404, as is the empty segment of a trailing slash.
"""

from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from headwater.http.message.target import below, segments
from headwater.http.route.errors import RoutesClash
from headwater.http.route.route import Route, segments_of
from headwater.http.step.operation import Operation
from headwater.http.types.inputerror import Invalid
from headwater.http.types.scalar import Read, rank_of, reader_of
from headwater.http.types.shape import shape_of

E = TypeVar("E")


class Router(Generic[E]):
    """Finds the endpoint (or operation) of a method and path; `operation_of` returns the operation of an entry.

    HEAD is served by the endpoint of GET unless it has a route of its own; `head_of` derives its endpoint.
    """

    def __init__(
        self, endpoints: Sequence[E], operation_of: Callable[[E], Operation], head_of: Callable[[E], E]
    ) -> None:
        self._root: _Node[E] = _Node()
        self._literal: dict[str, dict[str, tuple[E, Sequence[Any]]]] = {}
        self._last: dict[str, dict[str, list[tuple[Read, E]]]] = {}
        self._added: dict[tuple[str, tuple[str, ...]], Route] = {}
        for endpoint in endpoints:
            self._add(endpoint, operation_of(endpoint))
        self.endpoints = [*endpoints, *_add_heads(self._root, head_of)]
        self._note("", self._root)

    def find(self, method: str, scope: MutableMapping[str, Any]) -> tuple[E, Sequence[Any]] | None:
        """The endpoint and its path values; raises a `Problem` for a path that does not decode."""
        raw = scope.get("raw_path")
        if raw is None or b"%" not in raw:
            root, path = scope.get("root_path"), scope["path"]
            found = self._find_quickly(method, below(root, path) if root else path)
            if found is not None:
                return found
        values: list[Any] = []
        endpoint = self._root.find(segments(scope), 0, method, values)
        return None if endpoint is None else (endpoint, values)

    def _find_quickly(self, method: str, path: str) -> tuple[E, Sequence[Any]] | None:
        """Find the common paths without splitting them: all literal, or literal but for the last segment.

        Nothing can take precedence over these two, because literal segments win.
        """
        methods = self._literal.get(path)
        if methods is not None:
            return methods.get(method)
        head, _, last = path.rpartition("/")
        choices = self._last.get(head)
        if choices is not None and last:
            for read, endpoint in choices.get(method, ()):
                try:
                    return endpoint, (read(last),)
                except Invalid:
                    continue
        return None

    def methods(self, scope: MutableMapping[str, Any]) -> list[str]:
        """The methods of the path in alphabetical order; none if no route has the path."""
        found = set(self._root.methods(segments(scope), 0))
        return sorted(found | {"OPTIONS"}) if found else []

    def _add(self, endpoint: E, operation: Operation) -> None:
        route = operation.route
        annotations = {each.name: each.annotation for each in operation.binding.inputs if each.where == "path"}
        parts = [_part(segment, annotations) for segment in segments_of(route)]
        self._refuse_clash(route, parts)
        node = self._root
        for part in parts:
            node = node.descend(part)
        node.endpoints[route.method] = endpoint

    def _note(self, path: str, node: "_Node[E]") -> None:
        """Index the paths of literal segments, and those with one parameter after them."""
        if node.endpoints:
            self._literal[path] = {method: (endpoint, ()) for method, endpoint in node.endpoints.items()}
        for part, behind in node.parameters:
            for method, endpoint in behind.endpoints.items():
                assert part.read is not None
                self._last.setdefault(path, {}).setdefault(method, []).append((part.read, endpoint))
        for text, child in node.children.items():
            self._note(f"{path}/{text}", child)

    def _refuse_clash(self, route: Route, parts: list["_Part"]) -> None:
        form = (route.method, tuple(part.form for part in parts))
        first = self._added.setdefault(form, route)
        if first is not route:
            raise RoutesClash(first=first, first_handler=first.location, second=route, second_handler=route.location)


def check_routes(operations: Sequence[Operation]) -> None:
    """Raise a `RoutesClash` for two routes that match the same requests."""
    Router(operations, operation_of=lambda each: each, head_of=lambda each: each)


class _Part(NamedTuple):
    """A segment of a template. Two segments of one `form` match the same strings, or nearly so."""

    text: str
    read: Read | None = None
    rank: int = 0
    key: str = ""

    @property
    def form(self) -> str:
        return self.text if self.read is None else f"{{{'' if self.rank in _WHOLE_RANKS else self.key}{self.rank}}}"


_WHOLE_RANKS = (0, 1, 3)
"""Ranks with one form each: an int is an int, whatever its constraints."""


def _part(segment: str, annotations: Mapping[str, Any]) -> _Part:
    if not segment.startswith("{"):
        return _Part(segment)
    annotation = annotations[segment[1:-1]]
    shape = shape_of(annotation)
    return _Part(segment, reader_of(shape), rank_of(shape), repr(annotation))


class _Node(Generic[E]):
    """A node of the tree of segments."""

    __slots__ = ("children", "endpoints", "parameters")

    def __init__(self) -> None:
        self.children: dict[str, _Node[E]] = {}
        self.parameters: list[tuple[_Part, _Node[E]]] = []
        self.endpoints: dict[str, E] = {}

    def descend(self, part: _Part) -> "_Node[E]":
        """The child for a segment; created if necessary."""
        if part.read is None:
            return self.children.setdefault(part.text, _Node())
        for known, node in self.parameters:
            if (known.rank, known.key) == (part.rank, part.key):
                return node
        node = _Node()
        self.parameters.append((part, node))
        self.parameters.sort(key=lambda each: each[0].rank)
        return node

    def find(self, texts: list[str], index: int, method: str, values: list[Any]) -> E | None:
        if index == len(texts):
            return self.endpoints.get(method)
        text = texts[index]
        child = self.children.get(text)
        if child is not None:
            found = child.find(texts, index + 1, method, values)
            if found is not None:
                return found
        for part, node in self.parameters if text else ():
            try:
                values.append(part.read(text))  # type: ignore[misc]
            except Invalid:
                continue
            found = node.find(texts, index + 1, method, values)
            if found is not None:
                return found
            values.pop()
        return None

    def methods(self, texts: list[str], index: int) -> Iterator[str]:
        if index == len(texts):
            yield from self.endpoints
            return
        text = texts[index]
        if text in self.children:
            yield from self.children[text].methods(texts, index + 1)
        for part, node in self.parameters if text else ():
            if _fits(part, text):
                yield from node.methods(texts, index + 1)


def _fits(part: _Part, text: str) -> bool:
    try:
        part.read(text)  # type: ignore[misc]
    except Invalid:
        return False
    return True


def _add_heads(node: _Node[E], head_of: Callable[[E], E]) -> list[E]:
    """Add HEAD wherever GET is served; returns the endpoints created for it."""
    heads = []
    if "GET" in node.endpoints and "HEAD" not in node.endpoints:
        node.endpoints["HEAD"] = head_of(node.endpoints["GET"])
        heads.append(node.endpoints["HEAD"])
    for child in [*node.children.values(), *(node for _, node in node.parameters)]:
        heads += _add_heads(child, head_of)
    return heads
