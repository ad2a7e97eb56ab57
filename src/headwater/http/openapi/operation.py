"""An operation, as the document shows it."""

import inspect
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

from msgspec import inspect as shapes

from headwater.http.binding.options import ResponseOption
from headwater.http.message.media import JSON
from headwater.http.message.problem import phrase_of
from headwater.http.openapi.parameters import write_parameters
from headwater.http.openapi.problems import reference_problem
from headwater.http.openapi.schemas import Schemas, answer_type
from headwater.http.page.plan import PagePlan
from headwater.http.route.route import Route
from headwater.http.step.description import Description, refer_to
from headwater.http.step.operation import Operation
from headwater.http.types.shape import plain, shape_of

_LINKED: Final = "What can be done with it."
_PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")


def name_operations(operations: Iterable[Operation]) -> list[str]:
    """A name for each, the handler's; where one handler answers several routes, the later ones are numbered."""
    seen: dict[str, int] = {}
    names = []
    for operation in operations:
        name = f"{operation.route.app}_{operation.route.name}"
        seen[name] = seen.get(name, 0) + 1
        names.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return names


def write_operation(
    operation: Operation, name: str, schemas: Schemas, links: dict[str, Any], described: Sequence[Description]
) -> dict[str, Any]:
    """The operation object; `links` are those of its response, `described` are the additions of the parts."""
    route = operation.route
    summary, description = _texts(route)
    answer = _answer(operation, schemas, described) | ({"links": links} if links else {})
    written = {
        "operationId": name,
        "tags": [route.app],
        "summary": summary,
        "description": description or summary,
        "parameters": [
            *write_parameters(operation, schemas),
            *(each for added in described for each in added.parameters),
        ],
        "requestBody": _body(operation, schemas),
        "responses": _responses(operation, answer, described),
    }
    for added in described:
        written |= added.members
    return {key: value for key, value in written.items() if value}


def write_links(operation: Operation, operations: Sequence[Operation], names: Sequence[str]) -> dict[str, Any]:
    """Links from a response to other operations: on the created resource, by its Location, and on the first of a list.

    https://spec.openapis.org/oas/v3.1.1.html#link-object
    """
    found = {}
    for other, name in zip(operations, names, strict=True):
        values = _values_made(operation, other) or _values_listed(operation, other)
        if values:
            found[name] = {"operationId": name, "parameters": values, "description": _LINKED}
    return found


def _values_made(operation: Operation, other: Operation) -> dict[str, str]:
    """From the Location template, for its own path and all below it."""
    template, path = operation.option(ResponseOption).location, other.route.path
    if template is None or not f"{_form(path)}/".startswith(f"{_form(template)}/"):
        return {}
    names, fields = _PLACEHOLDER.findall(path), _PLACEHOLDER.findall(template)
    return {name: f"$response.body#/{field}" for name, field in zip(names, fields, strict=False)}


def _values_listed(operation: Operation, other: Operation) -> dict[str, str]:
    """From the items of a list, for the paths of its items; what leads to the list leads to them as well."""
    before = f"{operation.route.path}/{{"
    name, _, rest = other.route.path.removeprefix(before).partition("}")
    if not other.route.path.startswith(before) or rest:
        return {}
    prefix, fields = _listed(operation)
    above = {each: f"$request.path.{each}" for each in _PLACEHOLDER.findall(operation.route.path)}
    return {**above, name: f"$response.body#/{prefix}0/{name}"} if name in fields else {}


def _listed(operation: Operation) -> tuple[str, frozenset[str]]:
    """Where the items of a response are, and their fields: in a list, or in the `items` of a Struct."""
    if operation.rendering.media_type != JSON:
        return "", frozenset()
    shape, prefix = shape_of(answer_type(operation)), ""
    if isinstance(shape, shapes.StructType):
        prefix, shape = "items/", next((plain(field.type) for field in shape.fields if field.name == "items"), shape)
    item = plain(shape.item_type) if isinstance(shape, shapes.ListType) else None
    fields = item.fields if isinstance(item, shapes.StructType) else ()
    return prefix, frozenset(field.encode_name for field in fields)


def _form(path: str) -> str:
    return _PLACEHOLDER.sub("{}", path)


def _texts(route: Route) -> tuple[str, str]:
    """One line, and the rest of what the handler's docstring says."""
    documented = inspect.getdoc(route.handler) or ""
    first, _, rest = documented.partition("\n")
    return route.summary or first or route.name.replace("_", " ").capitalize(), rest.strip()


def _body(operation: Operation, schemas: Schemas) -> dict[str, Any] | None:
    source = operation.binding.body
    if source is None or source.receives is not None:
        return None
    if source.where == "raw body":
        return {"required": source.required, "content": {"*/*": {"schema": {}}}}
    return {"required": source.required, "content": schemas.content("application/json", source.annotation)}


def _answer(operation: Operation, schemas: Schemas, described: Sequence[Description]) -> dict[str, Any]:
    rendering = operation.rendering
    headers = {"X-Request-Id": "RequestId"}
    if operation.facts(PagePlan):
        headers["Link"] = "Link"
    if rendering.location is not None:
        headers["Location"] = "Location"
    for added in described:
        headers |= added.headers
    answer: dict[str, Any] = {"description": phrase_of(rendering.status), "headers": refer_to(headers)}
    if rendering.media_type is not None:
        answer["content"] = schemas.content(rendering.media_type, answer_type(operation))
    for added in described:
        if added.content:
            answer["content"] = dict(added.content)
    return answer


def _responses(operation: Operation, answer: dict[str, Any], described: Sequence[Description]) -> dict[str, Any]:
    """By status. A handler that only answers with Responses of its own has those that the route declares."""
    route, rendering = operation.route, operation.rendering
    own = "content" not in answer and rendering.status == 200
    first = {} if own and any(status < 400 for status in route.answers) else {str(rendering.status): answer}
    others: dict[str, Any] = {}
    for added in described:
        others |= added.responses
    problems = _problems(operation, described)
    default = {"default": problems.pop("default")}
    return first | others | problems | _declared(route) | default


def _declared(route: Route) -> dict[str, Any]:
    """What the route says of its handler's own Responses and Problems."""
    found = {}
    for status, when in route.answers.items():
        if status >= 400:
            found[str(status)] = {**reference_problem(status), "description": when}
        else:
            names = {"X-Request-Id": "RequestId"} | ({"Location": "Location"} if 300 <= status < 400 else {})
            found[str(status)] = {"description": when, "headers": refer_to(names)}
    return found


def _problems(operation: Operation, described: Sequence[Description]) -> dict[str, Any]:
    statuses = {400, 422, 503, *_statuses_by_use(operation), *(each for added in described for each in added.statuses)}
    return {**{str(status): reference_problem(status) for status in sorted(statuses)}, "default": reference_problem()}


def _statuses_by_use(operation: Operation) -> Iterable[int]:
    """The errors that an operation can answer with because of what its handler takes."""
    for source in operation.binding.inputs:
        if source.where in ("path", "tx"):
            yield 404
        if source.where in ("body", "raw body"):
            yield from (408, 413, 415)
        if source.provided is not None:
            yield from source.provided.statuses
