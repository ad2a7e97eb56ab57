"""The OpenAPI document of one version: its operations, how requests name it, and its deprecation."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any, Final

import msgspec

from headwater.http.message.media import JSON
from headwater.http.openapi import About, write_document
from headwater.http.page.document import describe_fields
from headwater.http.route.route import Route
from headwater.http.serving.static import static_route
from headwater.http.version.declaration import Versions
from headwater.http.version.edition import Edition
from headwater.http.version.naming import QUERY, segment_of
from headwater.part import Declarations

DOCUMENT: Final = "/openapi.json"
"""The document of the requested version; it is also served without a version."""
Document = dict[str, Any]

LISTED: Final = "x-headwater-versions"
"""The versions that there are, for the documentation page: name, url of the document, deprecated or not, prefix."""

_METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
OF_VERSION: Final = "x-headwater-version"
"""Marks what says which version is meant, which is of course not the same in two of them."""

_HEADERS: Final[Document] = {
    "ApiVersion": {"description": "The version of the API that served the request.", "schema": {"type": "string"}},
    "Deprecation": {
        "description": "When the version was or will be deprecated: `@` and the seconds since 1970 (RFC 9745).",
        "schema": {"type": "string", "pattern": "^@-?[0-9]+$"},
    },
    "Sunset": {
        "description": "When the version ends, as an HTTP date (RFC 8594).",
        "schema": {"type": "string"},
    },
    "VersionLink": {
        "description": "`deprecation` and `sunset` link to instructions; `successor-version` is the version to use.",
        "schema": {"type": "string"},
    },
}


def write_edition(edition: Edition, versions: Versions, about: About, declared: Declarations) -> Document:
    """The document of one version, as plain values."""
    servers = tuple(_versioned(url, edition.name) for url in about.servers) if "uri" in versions.by else about.servers
    about = msgspec.structs.replace(about, version=edition.name, servers=servers)
    document = deepcopy(write_document(edition.operations, about, declared))
    document[LISTED] = [_listed(versions, name) for name in reversed(versions.names)]
    parameters, components = _parameters(edition, versions), document["components"]
    components["headers"] = {**components.get("headers", {}), **_headers(edition)}
    for (method, path), choice in edition.choices.items():
        operation = document["paths"].get(path, {}).get(method.lower())
        if operation is not None:
            operation["parameters"] = [*operation.get("parameters", ()), describe_fields(choice.names)]
    for operation in _operations(document):
        _describe(operation, edition, versions, parameters)
    return document


def document_path(version: str) -> str:
    """Where the document of a version is, whatever a request says."""
    return f"/openapi/{version}.json"


def document_route(path: str, edition: Edition, versions: Versions, about: About, declared: Declarations) -> Route:
    """The route of the document of a version; it is written at the first request."""
    return static_route(path, lambda: msgspec.json.encode(write_edition(edition, versions, about, declared)), JSON)


def _versioned(server: str, version: str) -> str:
    """The server's URL for those who are written for one version."""
    return f"{server.rstrip('/')}/{segment_of(version)}"


def _listed(versions: Versions, name: str) -> Document:
    prefix = {"prefix": f"{segment_of(name)}/"} if "uri" in versions.by else {}
    return {"name": name, "url": document_path(name), "deprecated": name in versions.deprecated, **prefix}


def _headers(edition: Edition) -> Document:
    return {name: {**_HEADERS[name], OF_VERSION: True} for name in _header_names(edition).values()}


def _header_names(edition: Edition) -> dict[str, str]:
    """What answers of this version carry, by name, and what that is called among the components."""
    names = {"API-Version": "ApiVersion"}
    if edition.deprecated is not None:
        names |= {"Deprecation": "Deprecation", "Link": "VersionLink"}
        if edition.deprecated.until is not None:
            names["Sunset"] = "Sunset"
    return names


def _parameters(edition: Edition, versions: Versions) -> list[Document]:
    """How a request can name the version beside the path; demanded if it is not what is served without."""
    schema = {"type": "string", "enum": [edition.name]}
    alone = "uri" not in versions.by and edition.name != versions.default
    found: list[Document] = []
    if "header" in versions.by:
        required = alone and not {"media", "query"} & set(versions.by)
        found.append(_parameter("API-Version", "header", required, schema))
    if "query" in versions.by:
        required = alone and not {"media", "header"} & set(versions.by)
        found.append(_parameter(QUERY, "query", required, schema))
    return found


def _parameter(name: str, where: str, required: bool, schema: Document) -> Document:
    description = "The version of the API that the client was written for."
    described = {"name": name, "in": where, "description": description, "required": required, "schema": schema}
    return {**described, OF_VERSION: True}


def _operations(document: Document) -> Iterator[Document]:
    for path in document["paths"].values():
        for method, operation in path.items():
            if method in _METHODS:
                yield operation


def _describe(operation: Document, edition: Edition, versions: Versions, parameters: list[Document]) -> None:
    operation["parameters"] = [*operation.get("parameters", ()), *parameters]
    if edition.deprecated is not None:
        operation["deprecated"] = True
    headers = {name: {"$ref": f"#/components/headers/{key}"} for name, key in _header_names(edition).items()}
    for response in operation["responses"].values():
        if "$ref" not in response:
            response["headers"] = {**headers, **response.get("headers", {})}
            content = response.get("content", {})
            if versions.media is not None and JSON in content:
                content[f"{versions.media}; version={edition.name}"] = content[JSON]
