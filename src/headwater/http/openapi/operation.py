"""An operation: one endpoint as the document shows it."""

import inspect
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

from msgspec import inspect as shapes

from headwater.http.endpoint import Endpoint
from headwater.http.message.media import JSON
from headwater.http.message.problem import phrase_of
from headwater.http.openapi.conditions import condition_statuses, validator_headers, write_not_modified
from headwater.http.openapi.headers import refer_to
from headwater.http.openapi.parameters import write_parameters
from headwater.http.openapi.problems import reference_problem
from headwater.http.openapi.schemas import Schemas, answer_type, plans_of
from headwater.http.route.route import Route
from headwater.http.types.shape import plain, shape_of

_BYTES: Final[dict[str, Any]] = {"*/*": {"schema": {}}}
_FORM: Final[dict[str, Any]] = {
    "schema": {
        "type": "object",
        "required": ["file"],
        "properties": {"file": {"type": "string", "format": "binary"}},
        "additionalProperties": {"type": "string", "maxLength": 4096},
    },
    "example": {"file": "the bytes of the file"},
}
_DOWNLOADED: Final = {
    "ETag": "ETag",
    "Content-Disposition": "ContentDisposition",
    "Accept-Ranges": "AcceptRanges",
    "Repr-Digest": "ReprDigest",
}
_PART: Final = {"Content-Range": "ContentRange"}
_LINKED: Final = "What can be done with it."
_PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")


def name_operations(endpoints: Iterable[Endpoint]) -> list[str]:
    """A name for each, the handler's; where one handler answers several routes, the later ones are numbered."""
    seen: dict[str, int] = {}
    names = []
    for endpoint in endpoints:
        name = f"{endpoint.route.app}_{endpoint.route.name}"
        seen[name] = seen.get(name, 0) + 1
        names.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return names


def write_operation(endpoint: Endpoint, name: str, schemas: Schemas, links: dict[str, Any]) -> dict[str, Any]:
    """The operation object; `links` say where its answer leads."""
    route = endpoint.route
    summary, description = _texts(route)
    answer = _answer(endpoint, schemas) | ({"links": links} if links else {})
    operation = {
        "operationId": name,
        "tags": [route.app],
        "summary": summary,
        "description": description or summary,
        "parameters": write_parameters(endpoint, schemas),
        "requestBody": _body(endpoint, schemas),
        "responses": _responses(endpoint, answer),
    }
    return {key: value for key, value in operation.items() if value}


def write_links(endpoint: Endpoint, endpoints: Sequence[Endpoint], names: Sequence[str]) -> dict[str, Any]:
    """Links to what can be done with an answer: with what was made, by its Location, and with the first of a list.

    https://spec.openapis.org/oas/v3.1.1.html#link-object
    """
    found = {}
    for other, name in zip(endpoints, names, strict=True):
        values = _values_made(endpoint, other) or _values_listed(endpoint, other)
        if values:
            found[name] = {"operationId": name, "parameters": values, "description": _LINKED}
    return found


def _values_made(endpoint: Endpoint, other: Endpoint) -> dict[str, str]:
    """From the Location template, for its own path and all below it."""
    template, path = endpoint.route.location, other.route.path
    if template is None or not f"{_form(path)}/".startswith(f"{_form(template)}/"):
        return {}
    names, fields = _PLACEHOLDER.findall(path), _PLACEHOLDER.findall(template)
    return {name: f"$response.body#/{field}" for name, field in zip(names, fields, strict=False)}


def _values_listed(endpoint: Endpoint, other: Endpoint) -> dict[str, str]:
    """From the items of a list, for the paths of its items; what leads to the list leads to them as well."""
    before = f"{endpoint.route.path}/{{"
    name, _, rest = other.route.path.removeprefix(before).partition("}")
    if not other.route.path.startswith(before) or rest:
        return {}
    place, fields = _listed(endpoint)
    above = {each: f"$request.path.{each}" for each in _PLACEHOLDER.findall(endpoint.route.path)}
    return {**above, name: f"$response.body#/{place}0/{name}"} if name in fields else {}


def _listed(endpoint: Endpoint) -> tuple[str, frozenset[str]]:
    """Where the items of an answer are, and their fields: in a list, or in the `items` of a Struct."""
    if endpoint.rendering.media_type != JSON:
        return "", frozenset()
    shape, place = shape_of(answer_type(endpoint)), ""
    if isinstance(shape, shapes.StructType):
        place, shape = "items/", next((plain(field.type) for field in shape.fields if field.name == "items"), shape)
    item = plain(shape.item_type) if isinstance(shape, shapes.ListType) else None
    fields = item.fields if isinstance(item, shapes.StructType) else ()
    return place, frozenset(field.encode_name for field in fields)


def _form(path: str) -> str:
    return _PLACEHOLDER.sub("{}", path)


def _texts(route: Route) -> tuple[str, str]:
    """One line, and the rest of what the handler's docstring says."""
    documented = inspect.getdoc(route.handler) or ""
    first, _, rest = documented.partition("\n")
    return route.summary or first or route.name.replace("_", " ").capitalize(), rest.strip()


def _body(endpoint: Endpoint, schemas: Schemas) -> dict[str, Any] | None:
    source = endpoint.binding.body
    if source is None:
        return None
    if source.where == "upload":
        kinds = endpoint.route.media_types or ("*/*",)
        content: dict[str, Any] = {kind: {"schema": {}} for kind in kinds}
        return {"required": True, "content": {**content, "multipart/form-data": _FORM}}
    if source.where == "raw body":
        return {"required": source.required, "content": {"*/*": {"schema": {}}}}
    return {"required": source.required, "content": schemas.content("application/json", source.annotation)}


def _answer(endpoint: Endpoint, schemas: Schemas) -> dict[str, Any]:
    rendering = endpoint.rendering
    headers = {"X-Request-Id": "RequestId", **validator_headers(endpoint)}
    if plans_of(endpoint):
        headers["Link"] = "Link"
    if endpoint.limits:
        headers |= {"RateLimit-Policy": "RateLimitPolicy", "RateLimit": "RateLimit"}
    if rendering.location is not None:
        headers["Location"] = "Location"
    if endpoint.route.idempotency != "none":
        headers["Idempotent-Replayed"] = "IdempotentReplayed"
    answer: dict[str, Any] = {"description": phrase_of(rendering.status), "headers": refer_to(headers)}
    if rendering.media_type is not None:
        answer["content"] = schemas.content(rendering.media_type, answer_type(endpoint))
    if rendering.downloads:
        answer["content"] = _BYTES
        answer["headers"] |= refer_to(_DOWNLOADED)
    return answer


def _parts(endpoint: Endpoint) -> dict[str, Any]:
    """What a download is beside the whole file: a part of it, or nothing if the client has it."""
    if not endpoint.rendering.downloads:
        return {}
    headers = refer_to({"X-Request-Id": "RequestId", **_DOWNLOADED})
    part = {"description": phrase_of(206), "content": _BYTES, "headers": headers | refer_to(_PART)}
    return {"206": part, "304": {"description": phrase_of(304), "headers": refer_to({"ETag": "ETag"})}}


def _others(endpoint: Endpoint) -> dict[str, Any]:
    return write_not_modified(endpoint) | _parts(endpoint)


def _responses(endpoint: Endpoint, answer: dict[str, Any]) -> dict[str, Any]:
    """By status. A handler that only answers with Responses of its own has those that the route declares."""
    route, rendering = endpoint.route, endpoint.rendering
    own = rendering.returns is None and not rendering.downloads and route.status == 200 and rendering.status == 200
    first = {} if own and any(status < 400 for status in route.answers) else {str(rendering.status): answer}
    problems = _problems(endpoint)
    default = {"default": problems.pop("default")}
    return first | _others(endpoint) | problems | _declared(endpoint) | default


def _declared(endpoint: Endpoint) -> dict[str, Any]:
    """What the route says of its handler's own Responses and Problems."""
    found = {}
    for status, when in endpoint.route.answers.items():
        if status >= 400:
            found[str(status)] = {**reference_problem(status), "description": when}
        else:
            names = {"X-Request-Id": "RequestId"} | ({"Location": "Location"} if 300 <= status < 400 else {})
            found[str(status)] = {"description": when, "headers": refer_to(names)}
    return found


def _problems(endpoint: Endpoint) -> dict[str, Any]:
    statuses = {400, 422, 503, *_statuses_by_use(endpoint)}
    return {**{str(status): reference_problem(status) for status in sorted(statuses)}, "default": reference_problem()}


def _statuses_by_use(endpoint: Endpoint) -> Iterable[int]:
    """The errors that an operation can answer with because of what it uses."""
    for source in endpoint.binding.inputs:
        if source.where in ("path", "db", "tx"):
            yield 404
        if source.where in ("body", "raw body", "upload"):
            yield from (408, 413, 415)
        if source.provider is not None:
            yield from source.provider.statuses
        if source.where == "upload":
            yield 507
    if endpoint.rendering.downloads:
        yield from (404, 412, 416, 503)
    if endpoint.deadline or any(source.plan is not None for source in endpoint.binding.inputs):
        yield 504
    if endpoint.admission is not None:
        yield from (401, 403, 503)
    if endpoint.limits:
        yield 429
    if endpoint.rendering.media_type is not None:
        yield 406
    if endpoint.route.verb == "command":
        yield 409
    yield from condition_statuses(endpoint.route)
