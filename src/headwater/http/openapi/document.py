"""The document as a whole: operations by path, and the components that these refer to."""

from collections.abc import Iterator, Sequence
from typing import Any

from headwater.http.endpoint import Endpoint
from headwater.http.openapi.about import About, write_info, write_servers, write_tags
from headwater.http.openapi.headers import HEADERS
from headwater.http.openapi.operation import name_operations, write_links, write_operation
from headwater.http.openapi.problems import PROBLEM_SCHEMAS, write_problem_responses
from headwater.http.openapi.schemas import schemas_of
from headwater.http.openapi.security import write_schemes, write_security

Document = dict[str, Any]


def write_document(endpoints: Sequence[Endpoint], about: About) -> Document:
    """The document, as plain values."""
    shown = [endpoint for endpoint in endpoints if not endpoint.route.hidden]
    schemas, names = schemas_of(shown), name_operations(shown)
    paths: dict[str, Document] = {}
    for endpoint, name in zip(shown, names, strict=True):
        operation = write_operation(endpoint, name, schemas, write_links(endpoint, shown, names))
        operation |= write_security(endpoint)
        paths.setdefault(endpoint.route.path, {})[endpoint.route.method.lower()] = operation
    components = {
        "schemas": {**schemas.components, **PROBLEM_SCHEMAS},
        "responses": write_problem_responses(),
        "headers": HEADERS,
    }
    return {
        "openapi": "3.1.0",
        "info": write_info(about),
        "servers": write_servers(about),
        "tags": write_tags(about, list(dict.fromkeys(endpoint.route.app for endpoint in shown))),
        "security": [],
        "paths": paths,
        "components": _used(components, paths) | write_schemes(shown),
    }


def _used(components: Document, paths: Document) -> Document:
    """The components that something refers to, directly or through others."""
    waiting, used = [*_references(paths)], set()
    while waiting:
        place = waiting.pop()
        if place not in used:
            used.add(place)
            _, _, group, name = place.split("/", 3)
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
