"""The document: operations by path, and the components that they refer to."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from headwater.http.openapi.about import About, write_info, write_servers, write_tags
from headwater.http.openapi.headers import HEADERS
from headwater.http.openapi.operation import name_operations, write_links, write_operation
from headwater.http.openapi.problems import PROBLEM_SCHEMAS, write_problem_responses
from headwater.http.openapi.schemas import schemas_of
from headwater.http.step.description import Describe
from headwater.http.step.operation import Operation
from headwater.part import Declarations

Document = dict[str, Any]


def write_document(operations: Sequence[Operation], about: About, declared: Declarations) -> Document:
    """The document, as plain values; `declared` is what the parts of the backend bring, descriptions among it."""
    shown = [operation for operation in operations if not operation.route.hidden]
    schemas, names = schemas_of(shown), name_operations(shown)
    components: dict[str, Document] = {
        "schemas": {**schemas.components, **PROBLEM_SCHEMAS},
        "responses": write_problem_responses(),
        "headers": dict(HEADERS),
    }
    added: dict[str, Document] = {}
    paths: dict[str, Document] = {}
    for operation, name in zip(shown, names, strict=True):
        described = [each.of(operation) for each in declared.of(Describe)]
        links = write_links(operation, shown, names)
        written = write_operation(operation, name, schemas, links, described)
        paths.setdefault(operation.route.path, {})[operation.route.method.lower()] = written
        for each in described:
            _add(components, added, each.components)
    return {
        "openapi": "3.1.0",
        "info": write_info(about),
        "servers": write_servers(about),
        "tags": write_tags(about, list(dict.fromkeys(operation.route.app for operation in shown))),
        "security": [],
        "paths": paths,
        "components": _used(components, paths) | added,
    }


def _add(components: dict[str, Document], added: dict[str, Document], more: Mapping[str, Mapping[str, Any]]) -> None:
    """Components of referenced groups are kept only if they are used; others are added unconditionally."""
    for group, members in more.items():
        (components if group in components else added).setdefault(group, {}).update(members)


def _used(components: Document, paths: Document) -> Document:
    """The components that something refers to, directly or through others."""
    waiting, used = [*_references(paths)], set()
    while waiting:
        reference = waiting.pop()
        if reference not in used:
            used.add(reference)
            _, _, group, name = reference.split("/", 3)
            waiting += _references(components[group][name])
    return {
        group: kept
        for group, members in components.items()
        if (kept := {name: each for name, each in members.items() if f"#/components/{group}/{name}" in used})
    }


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref" and isinstance(value, str):
                yield value
            elif key not in ("example", "examples"):
                yield from _references(value)
    elif isinstance(node, list):
        for each in node:
            yield from _references(each)
