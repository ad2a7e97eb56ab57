"""Queries as a part: the call that binds the arguments, runs the handler and renders its result."""

from collections.abc import Awaitable, Callable
from typing import Any

from headwater.binding import Parameter, Provided, Provider, Services, Site
from headwater.binding.provider import Bind
from headwater.clock import Clock
from headwater.commit import Emitter, GroupCommit, Origin
from headwater.http.binding.binding import Bound
from headwater.http.binding.inputs import FromRequest, RouteSubject
from headwater.http.binding.rendering import start_stream
from headwater.http.message.answer import Answer
from headwater.http.message.request import Request
from headwater.http.query.problems import DATABASE_PROBLEMS
from headwater.http.route.call import Call
from headwater.http.route.route import Route
from headwater.http.step.operation import Operation
from headwater.http.step.step import Execution
from headwater.part import Part


def queries() -> Part:
    """Serve queries."""
    return Part(
        "queries",
        Execution(verb="query", does="providers; the body; the arguments; the handler; the response", link=_link),
        *DATABASE_PROBLEMS,
        Provider(kind=Request, context=Request, provide=_provide_request),
        Provider(kind=Emitter, context=Request, provide=_provide_emitter),
    )


def _link(operation: Operation, services: Services) -> Call:
    bound = operation.binding.link(services)
    handle = operation.binding.calling(operation.route.handler)
    if operation.signature.streams:
        return _stream(operation, bound, handle)
    bind, render, prepare = bound.bind, operation.rendering.render, preparation(bound)

    async def call(request: Request) -> Answer:
        return render(await handle(*bind(request)), request)

    async def call_prepared(request: Request) -> Answer:
        await prepare(request)
        return render(await handle(*bind(request)), request)

    return call_prepared if bound.makes or bound.reads else call


def _stream(operation: Operation, bound: Bound, handle: Callable[..., Any]) -> Call:
    prepare, generates, rendering = preparation(bound), operation.signature.generates, operation.rendering

    async def call(request: Request) -> Answer:
        await prepare(request)
        items: Any = handle(*bound.bind(request))
        return await start_stream(rendering, aiter(items if generates else await items))

    return call


def preparation(bound: Bound) -> Callable[[Request], Awaitable[None]]:
    """Create the provided values, and read the body."""

    async def prepare(request: Request) -> None:
        if bound.makes:
            await bound.provide(request)
        if bound.reads:
            await bound.read(request)

    return prepare


def _provide_request(site: Site, parameter: Parameter) -> Provided:
    return FromRequest(kind=Request, bind=lambda services: _itself, whole=True)


def _itself(request: Request) -> Request:
    return request


def _provide_emitter(site: Site, parameter: Parameter) -> Provided:
    subject = site.subject
    if subject.writes:
        site.misplaced(parameter, "the events of a command are part of its commit", "Emit with `tx.emit`.")
    if not isinstance(subject, RouteSubject):
        site.misplaced(parameter, "only a query's own handler emits", "Take it in the handler.")
    route = subject.route
    return Provided(
        kind=Emitter,
        bind=lambda services: _bind_emitter(route, services),
        uses=frozenset({GroupCommit}),
    )


def _bind_emitter(route: Route, services: Services) -> Bind:
    app, name, group, clock = route.app, route.name, services[GroupCommit], services[Clock]  # type: ignore[type-abstract]

    def bind(request: Request) -> Emitter:
        actor = request.principal.id if request.principal is not None else None
        return Emitter(group, Origin(app, name, actor, request.traceparent), clock)

    return bind
