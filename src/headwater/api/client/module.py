"""The module of a client: what every client has, with the operations, schemas and problems of one document."""

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from headwater.api.client.methods import Methods
from headwater.api.client.operations import read_operations
from headwater.api.client.problems import read_problems, write_problems
from headwater.api.client.shapes import Shapes
from headwater.api.client.text import INDENT, docstring
from headwater.api.client.voice import Voice, as_async, as_sync
from headwater.api.client.words import variable

Lines = Iterator[str]

_RUNTIME: Final = Path(__file__).with_name("runtime.py")
_MARK: Final = re.compile(r"\s*# ~ (\w+)")
_TAKEN: Final = frozenset({"ApiProblem", "Client", "Fault", "Receipt"})
"""Classes that every client has; beside them, whatever is imported."""
_OURS: Final = frozenset({"Problem", "InvalidRequest", "Fault"})
"""Schemas that stand in the client as exceptions."""
_MODULES: Final = {
    "collections.abc": ("AsyncIterator", "Iterator", "Mapping"),
    "decimal": ("Decimal",),
    "email.utils": ("parsedate_to_datetime",),
    "random": ("uniform",),
    "types": ("TracebackType",),
    "typing": ("Any", "Final", "Literal", "Self", "TypeAlias"),
    "urllib.parse": ("quote",),
    "uuid": ("UUID", "uuid4"),
}


def write_client(document: Mapping[str, Any], *, sync: bool = False) -> str:
    """The text of the module; raises `ReferenceUnresolved` for a document that refers to what it does not have."""
    voice: Voice = as_sync if sync else as_async
    parts = _Parts(document, voice)
    body = "\n".join(_filled(_runtime(voice), parts.by_name()))
    return voice("\n".join([*_head(document, body, sync), body]).rstrip("\n") + "\n")


class _Parts:
    """What is written in the place of each mark."""

    def __init__(self, document: Mapping[str, Any], voice: Voice) -> None:
        schemas = document.get("components", {}).get("schemas", {})
        own = {name: schema for name, schema in schemas.items() if name not in _OURS}
        self._document = document
        taken = _TAKEN.union(*_MODULES.values())
        self._shapes = Shapes(own, taken)
        self._problems = read_problems(document, taken | set(self._shapes.names.values()))
        self._methods = Methods(self._shapes, voice)
        self._schemes = dict(_credentials(document))

    def by_name(self) -> dict[str, Callable[[], Lines]]:
        return {
            "client": self._client,
            "credentials": self._signature,
            "fields": self._fields,
            "methods": self._operations,
            "schemas": self._shapes.write,
            "problems": lambda: write_problems(self._problems),
        }

    def _client(self) -> Lines:
        info = self._document["info"]
        text = f"{info['title']}, version {info['version']}."
        rest = (
            "Methods raise an `ApiProblem` for what the API answers with an error. What can be repeated without doing "
            "it twice is repeated after lost connections, 429 and 503, at most `retries` times and after waits of at "
            "most `longest_wait` seconds each; what has an idempotency key is, with the same key."
        )
        yield from docstring("\n\n".join((text, rest)))

    def _signature(self) -> Lines:
        yield from (f"{INDENT * 2}{word}: str | None = None," for word in self._schemes)

    def _fields(self) -> Lines:
        for word, (name, value) in self._schemes.items():
            yield f"{INDENT * 2}if {word} is not None:"
            yield f'{INDENT * 3}fields["{name}"] = f"{value.replace("*", "{" + word + "}")}"'

    def _operations(self) -> Lines:
        lines = [line for each in read_operations(self._document) for line in self._methods.write(each)]
        yield from lines[1:]


def _runtime(voice: Voice) -> list[str]:
    """The lines between the imports and the end."""
    text = voice(_RUNTIME.read_text())
    return text.split("# ~ imports\n", 1)[1].split("# ~ end\n", 1)[0].splitlines()


def _filled(lines: list[str], parts: Mapping[str, Callable[[], Lines]]) -> Lines:
    """The lines with the parts in their places; a part of nothing leaves no gap."""
    written: list[str] = []
    for line in lines:
        mark = _MARK.fullmatch(line)
        part = list(parts[mark[1]]()) if mark is not None else [line]
        if mark is not None:
            while part and not part[0]:
                part.pop(0)
        if written and not part:
            while written[-1] == "":
                written.pop()
        written += part
    yield from written


def _head(document: Mapping[str, Any], body: str, sync: bool) -> Lines:
    info = document["info"]
    text = f"A client of {info['title']}, version {info['version']}; written by `headwater api client`, not by hand."
    yield from docstring(text, "")
    yield from ("", "from __future__ import annotations", "", "import datetime as dt")
    used = _names(body)
    imports = {module: [name for name in names if name in used] for module, names in _MODULES.items()}
    imports["time" if sync else "asyncio"] = ["sleep"]  # one word in both voices
    for module in sorted(imports):
        if imports[module]:
            yield f"from {module} import {', '.join(sorted(imports[module], key=_order))}"
    yield from ("", "import httpx2", "import msgspec")


def _names(body: str) -> set[str]:
    """The names that the text uses."""
    return {node.id for node in ast.walk(ast.parse(body)) if isinstance(node, ast.Name)}


def _order(name: str) -> tuple[bool, bool, str]:
    """As a sorter of imports has it: constants, classes, the rest."""
    return (not name.isupper(), not name[0].isupper(), name)


def _credentials(document: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, str]]]:
    """For each way to say who asks: the argument, the header field, and its value with ``*`` for what is given."""
    for name, scheme in document.get("components", {}).get("securitySchemes", {}).items():
        if scheme.get("type") == "http" and scheme.get("scheme", "").lower() == "bearer":
            yield "token", ("Authorization", "Bearer *")
        elif scheme.get("type") == "apiKey" and scheme.get("in") == "header":
            yield variable(name), (scheme["name"], "*")
        elif scheme.get("type") == "apiKey" and scheme.get("in") == "cookie":
            yield variable(name), ("Cookie", f"{scheme['name']}=*")
