"""The routes of a resumable upload, and the transaction at its end."""

import inspect
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final, Literal, NoReturn
from uuid import UUID

import msgspec

from headwater.commit import Tx
from headwater.http.binding.binding import Binding
from headwater.http.binding.inputs import Input
from headwater.http.binding.resources import Resources
from headwater.http.files.tus.steps import Steps
from headwater.http.files.upload import rules_of
from headwater.http.message.request import Request
from headwater.http.message.response import Response
from headwater.http.route.errors import ParameterMisplaced
from headwater.http.route.parameter import Header
from headwater.http.route.route import Route, refuse_option
from headwater.http.route.signature import read_signature

Step = Literal["describe", "create", "show", "append", "remove", "override"]

_STEPS: Final[tuple[tuple[Step, str, str], ...]] = (
    ("describe", "OPTIONS", ""),
    ("create", "POST", ""),
    ("show", "HEAD", "/{upload_id}"),
    ("append", "PATCH", "/{upload_id}"),
    ("remove", "DELETE", "/{upload_id}"),
    ("override", "POST", "/{upload_id}"),
)
_STATUSES: Final = {"create": 201, "show": 200}
_FILLED: Final = ("tx", "upload", "request", "principal", "provider")


def routes_of(route: Route) -> list[Route]:
    """One route for each step of the uploads that are declared at ``route.path``."""
    return [
        msgspec.structs.replace(
            route,
            method=method,
            path=route.path + below,
            uploads=(route.path, step),
        )
        for step, method, below in _STEPS
    ]


def compile_step(route: Route, resources: Resources) -> Route:
    """The same route with a handler that does its step; raises a `RouteError` if the declared one cannot finish."""
    assert route.uploads is not None
    assert resources.staging is not None
    base, step = route.uploads
    finish = _finish(msgspec.structs.replace(route, method="POST", path=base, uploads=None), resources)
    steps = Steps(
        base,
        rules_of(route),
        resources.staging,
        resources.committer,
        route.app,
        route.name,
        finish,
    )
    who = finish.principal if step != "describe" else None
    handler = _handler(getattr(steps, step), f"{route.name}_{step}", _parameters(route, step, who))
    return msgspec.structs.replace(
        route,
        handler=handler,
        uploads=None,
        upload_limit=None,
        media_types=(),
        idempotency="none",
        status=_STATUSES.get(step, 204),
        scopes=route.scopes if step != "describe" else (),
    )


def _finish(route: Route, resources: Resources) -> "_Finish":
    """What runs the declared handler in the transaction that finishes an upload."""
    signature = read_signature(route)
    binding = Binding(route, signature, resources)
    if signature.returns not in (None, type(None)):
        reason = "the protocol has no place for an answer; return None"
        refuse_option(route, f"-> {signature.returns}", reason)
    if not any(each.where == "upload" for each in binding.inputs):
        refuse_option(route, "uploads", "the handler takes no `upload: Upload`")
    for each in binding.inputs:
        if each.where not in _FILLED:
            _misplaced(route, each.parameter, each.annotation)
    return _Finish(route, binding)


class _Finish:
    """Runs the declared handler."""

    def __init__(self, route: Route, binding: Binding) -> None:
        assert binding.tx_index is not None, "an Upload goes with a Tx"
        self._handle = binding.calling(route.handler)
        self._binding = binding
        self._tx_index = binding.tx_index
        asked = [each for each in binding.inputs if each.where == "principal"]
        self.principal = asked[0] if asked else None

    async def prepare(self, request: Request) -> None:
        if self._binding.providers:
            await self._binding.provide(request)

    async def run(self, tx: Tx, request: Request) -> None:
        arguments = self._binding.bind(request)
        arguments[self._tx_index] = tx
        await self._handle(*arguments)


def _handler(step: Callable[..., Awaitable[Response]], name: str, takes: dict[str, Any]) -> Callable[..., Any]:
    """A function with a name of its own, for the documentation, and with the parameters that `takes` says.

    The first is the request; the identifier of the upload, if there is one, is the second; the step wants no more.
    """
    wanted = 2 if "upload_id" in takes else 1

    async def handler(*arguments: Any) -> Response:
        return await step(*arguments[:wanted])

    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = [inspect.Parameter(each, kind, annotation=takes[each]) for each in takes]
    handler.__signature__ = inspect.Signature(parameters, return_annotation=Response)  # type: ignore[attr-defined]
    handler.__annotations__ = {**takes, "return": Response}
    handler.__name__ = handler.__qualname__ = name
    handler.__doc__ = step.__doc__
    return handler


def _parameters(route: Route, step: str, who: Input | None) -> dict[str, Any]:
    """The parameters of a step. `who` is that of the declared handler for who asks: each step lets in only whom that
    one would."""
    takes: dict[str, Any] = {"request": Request}
    if "{" in route.path:
        takes["upload_id"] = UUID
    if step == "override":
        takes["method"] = Annotated[Literal["PATCH", "HEAD", "DELETE"], Header("X-HTTP-Method-Override")]
    if who is not None:
        takes["principal"] = who.annotation if who.required else who.annotation | None
    return takes


def _misplaced(route: Route, parameter: str, kind: Any) -> NoReturn:
    raise ParameterMisplaced(
        route=route,
        handler=route.place,
        parameter=parameter,
        kind=getattr(kind, "__name__", kind),
        reason="an upload takes several requests, and this would belong to the last of them",
        mend="Take it from `upload.metadata`.",
    )
