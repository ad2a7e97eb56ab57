"""The OpenAPI 3.1 document, made from the same bindings and renderings that serve the requests."""

import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import msgspec

from headwater.http.endpoint import Endpoint
from headwater.http.media import JSON
from headwater.http.openapi_problems import PROBLEM_SCHEMAS, reference_problem, write_problem_responses
from headwater.http.problem import phrase_of
from headwater.http.request import Request
from headwater.http.response import Response
from headwater.http.route import Route
from headwater.http.signature import MISSING
from headwater.http.source import Input

Document = dict[str, Any]

REFERENCE: Final = "#/components/schemas/{name}"

_INT64: Final = {"minimum": -(1 << 63), "maximum": (1 << 63) - 1}
_HEADERS: Final = {
    "RequestId": {
        "description": "Identifies this request in the logs; the client's own if it sent one that fits.",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9_.-]{1,64}$"},
    },
    "Location": {
        "description": "Where the resource is.",
        "schema": {"type": "string", "format": "uri-reference"},
    },
    "IdempotentReplayed": {
        "description": "True if this is the stored answer to an earlier request with the same Idempotency-Key.",
        "schema": {"type": "string", "enum": ["true"]},
    },
    "RetryAfter": {"description": "Seconds to wait before trying again.", "schema": {"type": "integer", "minimum": 1}},
    "Allow": {"description": "The methods that the path has.", "schema": {"type": "string"}},
    "AcceptPost": {"description": "The media types that a body may have.", "schema": {"type": "string"}},
}
_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": (
        "New for each new request, and the same when it is sent again: the command is executed once, and each "
        "repetition is given the same answer."
    ),
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    "example": '"8e03978e-40d5-43dd-bc93-6894a57f9324"',
}


def openapi_route(endpoints: Sequence[Endpoint], title: str, version: str) -> Route:
    """The route that shows the document of these endpoints; it is written when first asked for."""
    written: list[bytes] = []

    async def show_document(request: Request) -> Response:
        if not written:
            written.append(msgspec.json.encode(write_document(endpoints, title, version)))
        return Response(written[0], media_type=JSON, headers={"Cache-Control": "no-cache"})

    return Route(method="GET", path="/openapi.json", handler=show_document, hidden=True)


def write_document(endpoints: Sequence[Endpoint], title: str, version: str) -> Document:
    """The document, as plain values."""
    shown = [endpoint for endpoint in endpoints if not endpoint.route.hidden]
    schema_of, schemas = _schemas(shown)
    names = _operation_ids(shown)
    paths: dict[str, Document] = {}
    for endpoint, name in zip(shown, names, strict=True):
        operation = _operation(endpoint, name, schema_of)
        paths.setdefault(endpoint.route.path, {})[endpoint.route.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version, "description": _DESCRIPTION},
        "tags": [{"name": app} for app in dict.fromkeys(endpoint.route.app for endpoint in shown)],
        "paths": paths,
        "components": {
            "schemas": {**schemas, **PROBLEM_SCHEMAS},
            "responses": write_problem_responses(),
            "headers": _HEADERS,
        },
    }


_DESCRIPTION: Final = (
    "Every error is `application/problem+json` (RFC 9457) with the identifier of its request. Query parameters that "
    "an operation does not have are refused. A value in a path that does not fit its type is a 404."
)


def _schemas(endpoints: Iterable[Endpoint]) -> tuple[Callable[[Any], Document], Document]:
    """What gives the schema of each type in use, and the named schemas that these refer to."""
    types = [each.annotation for endpoint in endpoints for each in endpoint.binding.inputs if each.where in _WHERE]
    types += [endpoint.rendering.returns for endpoint in endpoints if endpoint.rendering.returns is not None]
    schemas, components = msgspec.json.schema_components(types, ref_template=REFERENCE)
    known = [*zip(types, schemas, strict=True)]

    def schema_of(kind: Any) -> Document:
        return dict(next(schema for each, schema in known if each is kind))

    return schema_of, components


_WHERE: Final = frozenset({"path", "query", "header", "body"})


def _operation_ids(endpoints: Iterable[Endpoint]) -> list[str]:
    """A name for each, the handler's; where one handler answers several routes, the later ones are numbered."""
    seen: dict[str, int] = {}
    names = []
    for endpoint in endpoints:
        name = f"{endpoint.route.app}_{endpoint.route.name}"
        seen[name] = seen.get(name, 0) + 1
        names.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return names


def _operation(endpoint: Endpoint, name: str, schema_of: Callable[[Any], Document]) -> Document:
    route, inputs = endpoint.route, endpoint.binding.inputs
    summary, description = _texts(route)
    parameters = [_parameter(each, schema_of) for each in inputs if each.where in ("path", "query", "header")]
    if route.idempotency != "none":
        parameters.append({**_KEY, "required": route.idempotency == "required"})
    operation = {
        "operationId": name,
        "tags": [route.app],
        "summary": summary,
        "description": description,
        "parameters": parameters,
        "requestBody": _body(endpoint, schema_of),
        "responses": {str(endpoint.rendering.status): _answer(endpoint, schema_of), **_problems(endpoint)},
    }
    return {key: value for key, value in operation.items() if value}


def _texts(route: Route) -> tuple[str, str]:
    """One line, and the rest of what the handler's docstring says."""
    documented = inspect.getdoc(route.handler) or ""
    first, _, rest = documented.partition("\n")
    return route.summary or first or route.name.replace("_", " ").capitalize(), rest.strip()


def _parameter(source: Input, schema_of: Callable[[Any], Document]) -> Document:
    schema = _without_null(schema_of(source.annotation))
    if schema.get("type") == "integer" and source.where != "header":
        schema = {"format": "int64", **_INT64, **schema}
    if source.default is not MISSING and source.default is not None:
        schema["default"] = msgspec.to_builtins(source.default)
    parameter = {
        "name": source.name,
        "in": source.where,
        "required": source.where == "path" or source.required,
        "schema": schema,
    }
    if "description" in schema:
        parameter["description"] = schema.pop("description")
    return parameter


def _without_null(schema: Document) -> Document:
    """A parameter has no spelling of null: it is absent."""
    choices = schema.get("anyOf")
    if choices is None:
        return schema
    rest = {key: value for key, value in schema.items() if key not in ("anyOf", "default")}
    kept = [choice for choice in choices if choice != {"type": "null"}]
    return {**rest, **kept[0]} if len(kept) == 1 else {**rest, "anyOf": kept}


def _body(endpoint: Endpoint, schema_of: Callable[[Any], Document]) -> Document | None:
    source = endpoint.binding.body
    if source is None:
        return None
    if source.where == "raw body":
        return {"required": source.required, "content": {"*/*": {"schema": {}}}}
    return {"required": source.required, "content": {JSON: {"schema": schema_of(source.annotation)}}}


def _answer(endpoint: Endpoint, schema_of: Callable[[Any], Document]) -> Document:
    rendering = endpoint.rendering
    headers = {"X-Request-Id": "RequestId"}
    if rendering.location is not None:
        headers["Location"] = "Location"
    if endpoint.route.idempotency != "none":
        headers["Idempotent-Replayed"] = "IdempotentReplayed"
    answer: Document = {
        "description": phrase_of(rendering.status),
        "headers": {name: {"$ref": f"#/components/headers/{ref}"} for name, ref in headers.items()},
    }
    if rendering.media_type is not None:
        answer["content"] = {rendering.media_type: {"schema": schema_of(rendering.returns)}}
    return answer


def _problems(endpoint: Endpoint) -> Document:
    statuses = {400, 422, *_statuses_by_use(endpoint)}
    return {**{str(status): reference_problem(status) for status in sorted(statuses)}, "default": reference_problem()}


def _statuses_by_use(endpoint: Endpoint) -> Iterable[int]:
    """The errors that an operation can answer with because of what it uses."""
    for source in endpoint.binding.inputs:
        if source.where in ("path", "db", "tx"):
            yield 404
        if source.where in ("body", "raw body"):
            yield from (408, 413, 415)
        if source.where in ("db", "tx"):
            yield 503
        if source.provider is not None:
            yield from source.provider.statuses
    if endpoint.rendering.media_type is not None:
        yield 406
    if endpoint.route.verb == "command":
        yield 409
