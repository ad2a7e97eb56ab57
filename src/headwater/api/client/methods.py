"""Methods: one for each operation, and for a paginated list a second one that iterates over all pages."""

from collections.abc import Iterator, Sequence

from headwater.api.client.mode import Mode
from headwater.api.client.operations import Argument, ClientOperation
from headwater.api.client.shapes import Shapes
from headwater.api.client.text import INDENT, call, docstring

_INNER = INDENT * 2


class Methods:
    """Generates methods with the types of `shapes`, async or sync."""

    def __init__(self, shapes: Shapes, mode: Mode) -> None:
        self._shapes = shapes
        self._mode = mode

    def write(self, operation: ClientOperation) -> Iterator[str]:
        """The lines of an operation's methods, each method preceded by an empty line."""
        yield ""
        yield from self._method(operation)
        item = self._item_of(operation)
        if item is not None:
            yield ""
            yield from self._iteration(operation, item)

    def _item_of(self, operation: ClientOperation) -> str | None:
        """The type of the items of a paginated list; None for any other operation."""
        if operation.answer.kind != "json" or not any(each.name == "cursor" for each in operation.at("query")):
            return None
        properties = self._shapes.find(operation.answer.schema).get("properties", {})
        if "next" not in properties or properties.get("items", {}).get("type") != "array":
            return None
        return self._shapes.type_of(properties["items"].get("items", {}))

    def _method(self, operation: ClientOperation) -> Iterator[str]:
        start = "def" if operation.answer.kind == "lines" else "async def"
        arguments = ["self", *self._signature(operation)]
        yield from self._call(f"{start} {operation.word}", arguments, f" -> {self._returned(operation)}:", INDENT)
        yield from docstring(_documentation(operation), _INNER)
        yield from self._sent(operation)

    def _signature(self, operation: ClientOperation) -> Iterator[str]:
        yield from (self._positional(each, operation) for each in operation.at("path"))
        body = operation.body
        if body is not None:
            kind = self._shapes.type_of(body.schema) if body.kind == "json" else "bytes"
            word = "body" if body.kind == "json" else "content"
            yield f"{word}: {kind}" if body.required else f"{word}: {_optional(kind)} = None"
        yield "*"
        named = sorted(operation.at("query", "header"), key=lambda each: not each.required)
        yield from (self._named(each, operation) for each in named)
        if body is not None and body.kind == "other":
            yield f'content_type: str = "{body.media_type}"'
        if operation.keyed:
            yield "idempotency_key: str | None = None"
        yield "receipt: Receipt | None = None"

    def _positional(self, argument: Argument, operation: ClientOperation) -> str:
        return f"{argument.word}: {self._type_of(argument, operation)}"

    def _type_of(self, argument: Argument, operation: ClientOperation) -> str:
        return self._shapes.type_of(argument.schema, f"{operation.word} {argument.word}".replace("_", " "))

    def _named(self, argument: Argument, operation: ClientOperation) -> str:
        kind = self._type_of(argument, operation)
        return f"{argument.word}: {kind}" if argument.required else f"{argument.word}: {_optional(kind)} = None"

    def _returned(self, operation: ClientOperation) -> str:
        match operation.answer.kind:
            case "json":
                return self._shapes.type_of(operation.answer.schema)
            case "lines":
                return f"AsyncIterator[{self._shapes.type_of(operation.answer.schema)}]"
            case "nothing":
                return "None"
        return "httpx2.Response"

    def _sent(self, operation: ClientOperation) -> Iterator[str]:
        """The call that sends the request, and the handling of the response."""
        arguments, kind = list(_arguments(operation)), self._shapes.type_of(operation.answer.schema)
        match operation.answer.kind:
            case "lines":
                yield from self._call("return self._stream", [*arguments[:2], kind, *arguments[2:]], "", _INNER)
            case "json":
                yield from self._call("answer = await self._send", arguments, "", _INNER)
                yield f"{_INNER}decoded: {kind} = _decode(answer, {kind})"
                yield f"{_INNER}return decoded"
            case "nothing":
                yield from self._call("await self._send", arguments, "", _INNER)
            case _:
                yield from self._call("return await self._send", arguments, "", _INNER)

    def _iteration(self, operation: ClientOperation, item: str) -> Iterator[str]:
        """A method that yields each item of each page, following `next` until there is none."""
        named = [each for each in operation.at("path", "query", "header") if each.name != "cursor"]
        positional = [each for each in named if each.where == "path"]
        keywords = sorted((each for each in named if each.where != "path"), key=lambda each: not each.required)
        words = [self._positional(each, operation) for each in positional]
        words += ["*"] if keywords else []
        signature = ["self", *words, *(self._named(each, operation) for each in keywords)]
        word = f"iterate_{operation.word.removeprefix('list_')}"
        yield from self._call(f"async def {word}", signature, f" -> AsyncIterator[{item}]:", INDENT)
        text = f"Each item of `{operation.word}`, page after page; `limit` is the number of items per page."
        yield from docstring(text, _INNER)
        given = [*(each.word for each in positional), *(f"{each.word}={each.word}" for each in keywords)]
        yield f"{_INNER}cursor: str | None = None"
        yield f"{_INNER}while True:"
        deeper = _INNER + INDENT
        yield from self._call(f"page = await self.{operation.word}", [*given, "cursor=cursor"], "", deeper)
        yield f"{deeper}for item in page.items:"
        yield f"{deeper}{INDENT}yield item"
        yield f"{deeper}if page.next is None:"
        yield f"{deeper}{INDENT}return"
        yield f"{deeper}cursor = page.next"

    def _call(self, start: str, arguments: Sequence[str], end: str, indent: str) -> Iterator[str]:
        yield from call(self._mode(start), arguments, self._mode(end), indent)


def _arguments(operation: ClientOperation) -> Iterator[str]:
    """The arguments of the request; those that are not given are omitted."""
    yield from (f'"{operation.method}"', _path(operation))
    for where, option in (("query", "query"), ("header", "headers")):
        pairs = [_pair(each) for each in operation.arguments if each.where == where]
        if pairs:
            yield f"{option}={{{', '.join(pairs)}}}"
    if operation.body is not None:
        yield "body=body" if operation.body.kind == "json" else "content=(content, content_type)"
    if operation.keyed:
        yield "key=idempotency_key or str(uuid4())"
    yield "receipt=receipt"


def _optional(kind: str) -> str:
    return kind if "None" in kind.split(" | ") else f"{kind} | None"


def _documentation(operation: ClientOperation) -> str:
    described = operation.description if operation.description != operation.summary else ""
    words = [each for each in operation.at("path", "query", "header") if each.description]
    arguments = "\n".join(f"- `{each.word}`: {each.description}" for each in words)
    deprecated = "Deprecated." if operation.deprecated else ""
    parts = (operation.summary, deprecated, described, f"{operation.method} {operation.path}", arguments)
    return "\n\n".join(part for part in parts if part.strip())


def _path(operation: ClientOperation) -> str:
    path = operation.path
    for each in operation.at("path"):
        path = path.replace(f"{{{each.name}}}", f"{{_segment({each.word})}}")
    return f'f"{path}"' if operation.at("path") else f'"{path}"'


def _pair(argument: Argument) -> str:
    if argument.constant is not None:
        return f'"{argument.name}": "{argument.constant}"'
    value = argument.word
    if argument.schema.get("type") == "array" and not (argument.explode and argument.where == "query"):
        value = f"_joined({argument.word})"
    return f'"{argument.name}": {value}'
