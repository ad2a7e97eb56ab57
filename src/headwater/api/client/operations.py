"""Operations: the parts of each that a client needs."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

import msgspec

from headwater.api.client.names import method_names, variable
from headwater.api.reference import resolve

Where = Literal["path", "query", "header"]
Kind = Literal["json", "lines", "nothing", "other"]

_METHODS: Final = ("get", "post", "put", "patch", "delete")
_KEY: Final = "idempotency-key"
_JSON: Final = "application/json"
_LINES: Final = "application/x-ndjson"
_TAKEN: Final = frozenset({"self", "body", "content", "content_type", "receipt"})


class Argument(msgspec.Struct, frozen=True, kw_only=True):
    """A parameter; `word` is its name in Python. One with a `constant` is always sent with that value."""

    name: str
    word: str
    where: Where
    schema: Mapping[str, Any]
    required: bool
    description: str = ""
    constant: str | None = None
    explode: bool = True


class Content(msgspec.Struct, frozen=True):
    """The content of a request or a response."""

    kind: Kind
    schema: Mapping[str, Any] = {}
    media_type: str = ""
    required: bool = True


class ClientOperation(msgspec.Struct, frozen=True, kw_only=True):
    """One method of one path."""

    word: str
    method: str
    path: str
    summary: str
    description: str
    deprecated: bool
    arguments: tuple[Argument, ...]
    keyed: bool
    body: Content | None
    answer: Content

    def at(self, *where: Where) -> list[Argument]:
        """The arguments in these locations that are not constant."""
        return [each for each in self.arguments if each.where in where and each.constant is None]


def read_operations(document: Mapping[str, Any]) -> list[ClientOperation]:
    """The operations in the order of the document; raises `ReferenceUnresolved`."""
    found = [
        (path, method, item)
        for path, item in document["paths"].items()
        for method in _METHODS
        if (item.get(method) is not None)
    ]
    names = method_names(
        (_id_of(path, method, item[method]), next(iter(item[method].get("tags", ())), ""))
        for path, method, item in found
    )
    return [
        _operation(document, path, method, item, names[_id_of(path, method, item[method])])
        for path, method, item in found
    ]


def _id_of(path: str, method: str, operation: Mapping[str, Any]) -> str:
    return str(operation.get("operationId") or f"{method} {path}")


def _operation(document: Any, path: str, method: str, item: Mapping[str, Any], word: str) -> ClientOperation:
    operation = item[method]
    parameters = [resolve(document, each) for each in (*item.get("parameters", ()), *operation.get("parameters", ()))]
    keyed = any(each["name"].lower() == _KEY for each in parameters)
    shown = [each for each in parameters if each["in"] != "cookie" and each["name"].lower() != _KEY]
    return ClientOperation(
        word=word,
        method=method.upper(),
        path=path,
        summary=operation.get("summary", ""),
        description=operation.get("description", ""),
        deprecated=operation.get("deprecated", False),
        arguments=tuple(_arguments(shown)),
        keyed=keyed,
        body=_body(document, operation),
        answer=_answer(document, operation["responses"]),
    )


def _arguments(parameters: list[Any]) -> Iterator[Argument]:
    taken = set(_TAKEN)
    for each in parameters:
        word = variable(each["name"], taken)
        taken.add(word)
        schema = each.get("schema", {})
        values = schema.get("enum", ())
        yield Argument(
            name=each["name"],
            word=word,
            where=each["in"],
            schema=schema,
            required=each.get("required", False),
            description=each.get("description", ""),
            constant=str(values[0]) if len(values) == 1 and each["in"] != "path" else None,
            explode=each.get("explode", True),
        )


def _body(document: Any, operation: Mapping[str, Any]) -> Content | None:
    if "requestBody" not in operation:
        return None
    body = resolve(document, operation["requestBody"])
    required, content = body.get("required", False), body.get("content", {})
    if _JSON in content:
        return Content("json", content[_JSON]["schema"], _JSON, required)
    media_type = next(iter(content), "*/*")
    return Content("other", {}, "application/octet-stream" if "*" in media_type else media_type, required)


def _answer(document: Any, responses: Mapping[str, Any]) -> Content:
    """The content of the first successful response."""
    for status in sorted(responses):
        if status.startswith("2"):
            content = resolve(document, responses[status]).get("content", {})
            if _JSON in content:
                return Content("json", content[_JSON].get("schema", {}), _JSON)
            if _LINES in content:
                return Content("lines", content[_LINES].get("schema", {}), _LINES)
            return Content("other") if content or status == "200" else Content("nothing")
    return Content("other")
