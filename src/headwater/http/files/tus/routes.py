"""The routes of a resumable upload, and the transaction at its end.

They are declared as one route per step, each with the handler that finishes an upload. Before it is compiled, such a
route is rewritten: its handler becomes the function of the step.
"""

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from msgspec import structs

from headwater.binding import ParameterMisplaced, Providers, Services
from headwater.binding.provider import Making
from headwater.binding.signature import written
from headwater.commit import Committer, Tx
from headwater.http.binding.binding import Binding
from headwater.http.binding.inputs import Input
from headwater.http.binding.options import ResponseOption
from headwater.http.files.facts import TakesUpload
from headwater.http.files.options import UploadOption
from headwater.http.files.tus.steps import Steps
from headwater.http.files.upload import Upload, rules_of
from headwater.http.message.principal import Principal
from headwater.http.message.request import Request
from headwater.http.message.response import Response
from headwater.http.route.access import AccessOption
from headwater.http.route.option import Option
from headwater.http.route.parameter import Header
from headwater.http.route.route import Route, refuse_option
from headwater.http.route.signature import read_signature
from headwater.objects.staging import Staging

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


class ResumableStep(Option, frozen=True, kw_only=True):
    """Which step of a resumable upload a route is, and the path where that was declared; no step for other routes."""

    step: Step | None = None
    base: str = ""


def routes_of(route: Route) -> list[Route]:
    """One route for each step of the uploads that are declared at ``route.path``."""
    return [
        structs.replace(
            route.with_option(ResumableStep(step=step, base=route.path)), method=method, path=route.path + below
        )
        for step, method, below in _STEPS
    ]


def rewrite(route: Route, providers: Providers) -> Route:
    """The same route with a handler that does its step, if it is one of a resumable upload; raises a `HandlerError` if
    the declared one cannot finish."""
    declared = route.option(ResumableStep)
    step = declared.step
    if step is None:
        return route
    finish = _finish(structs.replace(route, method="POST", path=declared.base), providers)
    who = finish.principal if step != "describe" else None
    handler = _handler(_steps(route, finish), step, f"{route.name}_{step}", _parameters(route, step, who))
    kept = tuple(each for each in route.options if not isinstance(each, UploadOption | ResponseOption))
    if step == "describe":  # anybody may ask what is spoken here
        kept = tuple(each for each in kept if not isinstance(each, AccessOption))
    return structs.replace(route, handler=handler, options=(*kept, ResponseOption(status=_STATUSES.get(step, 204))))


def _steps(route: Route, finish: "_Finish") -> Callable[[Services], Steps]:
    made: dict[int, Steps] = {}

    def steps(services: Services) -> Steps:
        found = made.get(id(services))
        if found is None:
            found = made[id(services)] = Steps(
                route.option(ResumableStep).base,
                rules_of(route),
                services[Staging],
                services[Committer],
                route.app,
                route.name,
                finish.link(services),
            )
        return found

    return steps


def _finish(route: Route, providers: Providers) -> "_Finish":
    """What runs the declared handler in the transaction that finishes an upload."""
    signature = read_signature(route)
    binding = Binding(route, signature, providers)
    if signature.returns not in (None, type(None)):
        reason = "the protocol has no response body; return None"
        refuse_option(route, f"-> {signature.returns}", reason)
    if not binding.facts(TakesUpload):
        refuse_option(route, "uploads", "the handler does not take `upload: Upload`")
    if binding.tx_index is None:
        raise _misplaced(
            route, "upload", Upload, "a transaction keeps it, and the handler takes none", "Take `tx: Tx` as well."
        )
    for each in binding.inputs:
        if each.where not in ("tx", "provided"):
            reason = "an upload spans several requests, and this would come from the last one only"
            raise _misplaced(route, each.parameter, each.annotation, reason, "Take it from `upload.metadata`.")
    return _Finish(route, binding)


class _Finish:
    """Runs the declared handler."""

    def __init__(self, route: Route, binding: Binding) -> None:
        self._handle = binding.calling(route.handler)
        self._binding = binding
        asked = [each for each in binding.inputs if _asks_for_principal(each)]
        self.principal = asked[0] if asked else None

    def link(self, services: Services) -> "_Linked":
        return _Linked(self._handle, self._binding, services)


class _Linked:
    """The same with what is open."""

    def __init__(self, handle: Callable[..., Awaitable[Any]], binding: Binding, services: Services) -> None:
        assert binding.tx_index is not None, "checked when it was compiled"
        self._handle = handle
        self._bound = binding.link(services)
        self._tx_index = binding.tx_index

    @asynccontextmanager
    async def prepared(self, request: Request) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            request.making = Making(request, stack)
            await self._bound.provide(request)
            yield

    async def run(self, tx: Tx, request: Request) -> None:
        arguments = self._bound.bind(request)
        arguments[self._tx_index] = tx
        await self._handle(*arguments)


def _asks_for_principal(source: Input) -> bool:
    return (
        source.provided is not None and isinstance(source.annotation, type) and issubclass(source.annotation, Principal)
    )


def _handler(steps: Callable[[Services], Steps], step: Step, name: str, takes: dict[str, Any]) -> Callable[..., Any]:
    """A function with a name of its own, for the documentation, and with the parameters that `takes` says.

    The first are the services and the request; the identifier of the upload, if there is one, is the third; the step
    wants no more.
    """
    wanted = 3 if "upload_id" in takes else 2

    async def handler(*arguments: Any) -> Response:
        services, *rest = arguments[:wanted]
        response: Response = await getattr(steps(services), step)(*rest)
        return response

    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = [inspect.Parameter(each, kind, annotation=takes[each]) for each in takes]
    handler.__signature__ = inspect.Signature(parameters, return_annotation=Response)  # type: ignore[attr-defined]
    handler.__annotations__ = {**takes, "return": Response}
    handler.__name__ = handler.__qualname__ = name
    handler.__doc__ = getattr(Steps, step).__doc__
    return handler


def _parameters(route: Route, step: str, who: Input | None) -> dict[str, Any]:
    """The parameters of a step. `who` is that of the declared handler for the principal: each step lets in only whom
    that one would."""
    takes: dict[str, Any] = {"services": Services, "request": Request}
    if "{" in route.path:
        takes["upload_id"] = UUID
    if step == "override":
        takes["method"] = Annotated[Literal["PATCH", "HEAD", "DELETE"], Header("X-HTTP-Method-Override")]
    if who is not None:
        takes["principal"] = who.annotation if who.required else who.annotation | None
    return takes


def _misplaced(route: Route, parameter: str, kind: Any, reason: str, fix: str) -> ParameterMisplaced:
    return ParameterMisplaced(
        subject=route, handler=route.location, parameter=parameter, kind=written(kind), reason=reason, fix=fix
    )
