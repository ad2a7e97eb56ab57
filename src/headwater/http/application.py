"""The application: routes, mounts, health and documentation as one ASGI callable.

The path of every request is one function, `HttpApp.__call__`, instead of layers of middleware: each layer would cost
each request about as much as the whole function does.
"""

import asyncio
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from contextlib import suppress
from time import perf_counter, time
from typing import Any

from headwater.binding import Services
from headwater.clock import Clock
from headwater.errors import HeadwaterError
from headwater.http.browser.cors import VARY_ORIGIN, Cors
from headwater.http.browser.headers import Hosts, Security
from headwater.http.compiler import Compiler
from headwater.http.compression import CodingChoice, Compression
from headwater.http.endpoint import Endpoint, Linker
from headwater.http.limit.options import LimitOption
from headwater.http.load.deadline import seconds_of
from headwater.http.load.guard import Guard
from headwater.http.load.options import LoadOption
from headwater.http.load.queue import WaitQueues
from headwater.http.load.watch import Watch
from headwater.http.message.body import BodyBroken, BodyLimits, ClientGone
from headwater.http.message.forwarded import Proxies
from headwater.http.message.problem import Problem
from headwater.http.message.request import Request
from headwater.http.message.response import Response
from headwater.http.message.target import below
from headwater.http.openapi import About
from headwater.http.route.route import Route
from headwater.http.serving.accesslog import AccessLog
from headwater.http.serving.document import openapi_route
from headwater.http.serving.health import Health, Readiness
from headwater.http.serving.lifespan import AsgiApp
from headwater.http.serving.meter import Meter, Metered
from headwater.http.serving.mount import Mount, SendRecorder, sort_mounts
from headwater.http.serving.platform import PlatformRoutes
from headwater.http.serving.recovery import Recovery
from headwater.http.serving.transmission import LAST, Transmission
from headwater.http.step.description import RequestHeader
from headwater.http.step.operation import Operation
from headwater.http.step.problems import Problems, Translation
from headwater.http.unmatched import LABEL as UNMATCHED
from headwater.http.unmatched import unmatched
from headwater.http.version import Converter, VersionRouter, Versions, compile_editions, refuse_versions
from headwater.observe import Metrics
from headwater.observe.linewriter import standard_error
from headwater.settings import Settings

Scope = MutableMapping[str, Any]

CLIENT_GONE = 499
"""The status in the log and the metrics when a client disconnected before the response; it is never sent."""


async def _always_ready() -> list[str]:
    return []


class HttpApp:
    """An ASGI application.

    `compiler` compiles the `routes`; `services` are the open resources. `mounts` maps prefixes to other ASGI
    applications. `readiness` returns the reasons why requests cannot be served. `about` describes the API in the
    OpenAPI document. With `versions` each route is compiled for every version that has it, with the `converters`
    between them. `write` receives lines of the access log; the default is standard error. Raises a `HandlerError` for a
    route that cannot be served, and a `VersionError` for contradictory versions.
    """

    def __init__(
        self,
        routes: Sequence[Route],
        compiler: Compiler,
        services: Services,
        mounts: Mapping[str, AsgiApp] | None = None,
        readiness: Readiness | None = None,
        *,
        about: About = About(),  # noqa: B008 - frozen
        versions: Versions | None = None,
        converters: Sequence[Converter] = (),
        write: Callable[[bytes], Any] | None = None,
    ) -> None:
        settings, metrics = services[Settings], services[Metrics]
        self.health = Health(readiness or _always_ready)
        self._settings = settings
        self._proxies = Proxies(settings.trusted_proxies) if settings.trusted_proxies else None
        self._compression = Compression(settings)
        self._limits = BodyLimits(
            settings.body_limit, settings.body_seconds, settings.body_depth, settings.upload_bytes_per_second
        )
        self._watch = Watch()
        self._guard = Guard(settings, services[WaitQueues].by_reason if WaitQueues in services else {})
        self._meter = Meter(metrics)
        self._security = Security(settings)
        self._hosts = Hosts(settings.hosts) if settings.hosts else None
        self._varying = [VARY_ORIGIN] if settings.cors_origins else []
        linker = Linker(services, settings, self._meter, self._security.fields, self._varying)
        self._versions: VersionRouter | None = None
        operations = self._build(routes, compiler, linker, services, about, versions, converters)
        self._preflights = linker.endpoint(compiler.operation(self._preflight_route()), label=UNMATCHED)
        self._cors = self._open_to(settings, compiler, operations) if settings.cors_origins else None
        self._mounts = sort_mounts([Mount(prefix, app, self._meter) for prefix, app in (mounts or {}).items()])
        self._beside_mounted = [*self._security.mounted, *self._varying]
        self._recovery = Recovery(self._meter, self._watch, Translation(compiler.declared.of(Problems)))
        self._transmission = Transmission(
            settings.send_seconds, self._security, self._watch, self._guard, self._recovery
        )
        logs = settings.log_level in ("debug", "info")
        self._log = AccessLog(metrics.process, write or standard_error(metrics.process).write) if logs else None
        self._idle = asyncio.Event()

    def _build(
        self,
        routes: Sequence[Route],
        compiler: Compiler,
        linker: Linker,
        services: Services,
        about: About,
        versions: Versions | None,
        converters: Sequence[Converter],
    ) -> list[Operation]:
        """Create the router, or the router of versions; returns all operations of the API."""
        settings = services[Settings]
        ours = self.health.routes()
        for each in compiler.declared.of(PlatformRoutes):
            ours += each.of(settings, about)
        if versions is None:
            refuse_versions(routes, converters)
            operations = compiler.operations(routes)
            ours.append(openapi_route(operations, about, compiler.declared))
            self._router = linker.router(linker.endpoints([*operations, *compiler.operations(ours)]))
            self._unmatched = unmatched(self._router, compiler, linker)
            return operations
        editions = compile_editions(versions, routes, converters, compiler)
        clock: Clock = services[Clock]  # type: ignore[type-abstract]
        self._versions = VersionRouter(versions, editions, about, ours, compiler, linker, clock, services[Metrics])
        self._router, self._unmatched = self._versions.platform, self._versions.unmatched
        return [operation for edition in editions for operation in edition.operations]

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if self._proxies is not None and scope["type"] != "lifespan":
            scope = self._proxies.find_client(scope)
        if scope["type"] != "http":
            return await self._serve_other(scope, receive, send)
        if self._mounts and (mount := self._mount_of(scope)) is not None and not self._is_preflight(scope, receive):
            return await self._serve_mount(mount, scope, receive, send)
        at, started = time(), perf_counter()
        request = Request(scope, receive, self._limits, started)
        endpoint, status, size = self._unmatched, CLIENT_GONE, 0
        choice: CodingChoice | None = None
        values, in_flight, running = self._meter.values, self._meter.in_flight, self._watch.running
        guard = self._guard
        values[in_flight] += 1
        if self._cors is not None:
            self._cors.grant(request)
        try:
            try:
                if scope["http_version"] == "1.1" and not (request.fields.get(b"host") and request.count(b"host") == 1):
                    raise Problem(400, detail="A request must have exactly one Host header (RFC 9112 section 3.2).")
                if self._hosts is not None:
                    self._hosts.check(request)
                if self._cors is not None and self._cors.asks(request):
                    endpoint = self._preflights
                elif self._versions is None:
                    endpoint, request.path_values = self._router.find(request.method, scope) or (self._unmatched, ())
                else:
                    endpoint, request.path_values = self._versions.find(request)
                if endpoint.compresses and (accept := request.fields.get(b"accept-encoding")) is not None:
                    choice = self._compression.choose(accept)
                if not endpoint.vital:
                    if values[in_flight] > guard.most:
                        guard.check(endpoint, values[in_flight])
                    request.task = asyncio.current_task()
                    running[request] = endpoint
                    if endpoint.hurried or b"request-timeout" in request.fields:
                        self._hurry(request, endpoint)
                answer = await endpoint.call(request)
                if choice is not None and (len(answer.body) >= choice.minimum or answer.stream is not None):
                    answer = await self._compression.encode(answer, request, choice)
            except Exception as error:
                answer = self._recovery.answer(error, request, endpoint)
                if choice is not None and len(answer.body) >= choice.minimum:
                    answer = self._compression.encode_problem(answer, request, choice)
            except asyncio.CancelledError:
                answer = self._recovery.answer_stopped(request, endpoint)
            request.task = None
            status, size = answer.status, len(answer.body)
            if size == 0 or status in LAST or self._transmission.draining or request.method == "HEAD":
                size = await self._transmission.send(answer, request, send, endpoint)
            else:
                length, request_id = (b"content-length", b"%d" % size), (b"x-request-id", request.id.encode())
                fields = [*answer.fields, length, request_id, *endpoint.fields]
                if request.added is not None:
                    fields += request.added
                if endpoint.overridable:
                    fields = self._security.settle(fields)
                await send({"type": "http.response.start", "status": status, "headers": fields})
                await send({"type": "http.response.body", "body": answer.body})
        except BodyBroken:
            await self._transmission.send_broken(request, send, self._unmatched.fields)
        except ClientGone:
            pass
        finally:
            values[in_flight] -= 1
            if not endpoint.vital:
                self._watch.forget(request)
            if request.held is not None:
                for let_go in request.held:
                    let_go()
            self._finish(request, endpoint, status, size, at, perf_counter() - started)

    def leave(self) -> None:
        """Report at /readyz that requests should go elsewhere, and close each connection after its next response."""
        self.health.draining = self._transmission.draining = True

    async def drain(self, seconds: float | None = None) -> None:
        """Leave, and wait until no request is in flight, for at most `seconds` (by default `drain_seconds`).

        Queries that still run are then cancelled; commands continue until the process ends.
        """
        self.leave()
        self._idle.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._settings.drain_seconds if seconds is None else seconds):
                if self.in_flight:
                    await self._idle.wait()
        self._watch.stop_all()

    @property
    def in_flight(self) -> int:
        """Requests being answered by this process."""
        return int(self._meter.values[self._meter.in_flight])

    async def start(self) -> None:
        """Start the mounted applications, the watch and the guard; raises `LifespanFailed`."""
        for mount in self._mounts:
            await mount.lifespan.start()
        self._watch.start()
        self._guard.start()
        self.health.started = True

    async def stop(self) -> None:
        """Stop what `start` started, and flush the access log."""
        self._guard.stop()
        await self._watch.stop()
        for mount in reversed(self._mounts):
            await mount.lifespan.stop()
        if self._log is not None:
            self._log.flush()

    def statistics(self) -> dict[str, Any]:
        """Requests in flight, clients that are watched, and the state of the queues."""
        return {
            "in_flight": self.in_flight,
            "draining": self._transmission.draining,
            **self._watch.statistics(),
            **self._guard.statistics(),
        }

    def _preflight_route(self) -> Route:
        options = (LoadOption(vital=True), LimitOption(limits=()))
        return Route(method="OPTIONS", path="/", handler=self._answer_preflight, options=options)

    def _open_to(self, settings: Settings, compiler: Compiler, operations: Sequence[Operation]) -> Cors:
        bound = {each.name for operation in operations for each in operation.inputs if each.where == "header"}
        declared = {each.name for each in compiler.declared.of(RequestHeader)}
        return Cors(settings.cors_origins, settings.cors_credentials, settings.cors_seconds, bound | declared)

    def _is_preflight(self, scope: Scope, receive: Any) -> bool:
        return self._cors is not None and self._cors.asks(Request(scope, receive, self._limits))

    async def _answer_preflight(self, request: Request) -> Response:
        """The response to a preflight: the methods of the path; for a mounted application, the method that is asked
        for."""
        assert self._cors is not None
        methods = (self._versions or self._router).methods(request.scope)
        if not methods and self._mount_of(request.scope) is not None:
            wanted = request.fields[b"access-control-request-method"].decode("latin-1")
            methods = [wanted] if wanted.isalpha() else []
        if not methods:
            raise Problem(404, detail="There is no route for this path.")
        return self._cors.answer(request, methods)

    def _hurry(self, request: Request, endpoint: Endpoint) -> None:
        """Set a timer for a request with a short deadline; raises a `Problem` for a malformed Request-Timeout."""
        seconds = seconds_of(request, endpoint.deadline)
        if seconds:
            self._guard.check_waits(endpoint, seconds)
            self._watch.limit(request, seconds)

    def _finish(self, request: Request, endpoint: Metered, status: int, size: int, at: float, seconds: float) -> None:
        self._meter.count(endpoint.series, status, seconds)
        if self._log is not None and not (endpoint.quiet and status < 400):
            self._log.add(request, endpoint.label, status, size, at, seconds)
        if self._transmission.draining and not self.in_flight:
            self._idle.set()

    def _mount_of(self, scope: Scope) -> Mount | None:
        """The mount for a path without a route."""
        path = below(scope.get("root_path", ""), scope["path"])
        for mount in self._mounts:
            if mount.takes(path):
                return None if self._is_ours(scope) else mount
        return None

    def _is_ours(self, scope: Scope) -> bool:
        try:
            return scope["type"] == "http" and bool((self._versions or self._router).methods(scope))
        except Problem:
            return True  # the path does not decode, which is a 400 of ours

    async def _serve_mount(self, mount: Mount, scope: Scope, receive: Any, send: Any) -> None:
        at, started = time(), perf_counter()
        request = Request(scope, receive, self._limits, started)
        if self._cors is not None:
            self._cors.grant(request)
        recorder = SendRecorder(send, request.id, [*self._beside_mounted, *(request.added or ())])
        values, in_flight = self._meter.values, self._meter.in_flight
        values[in_flight] += 1
        self._guard.flow(1)  # a mounted application may stream for any time
        try:
            if self._hosts is not None:
                self._hosts.check(request)
            await mount.serve(scope, receive, recorder.send)
        except Exception as error:
            answer = self._recovery.answer(error, request, mount)
            if recorder.started:
                raise
            await self._transmission.send(answer, request, recorder.send, mount)
        finally:
            values[in_flight] -= 1
            self._guard.flow(-1)
            self._finish(request, mount, recorder.status or CLIENT_GONE, recorder.size, at, perf_counter() - started)

    async def _serve_other(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "websocket":
            await self._serve_websocket(scope, receive, send)

    async def _live(self, receive: Any, send: Any) -> None:
        await receive()
        try:
            await self.start()
        except HeadwaterError as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.stop()
        await send({"type": "lifespan.shutdown.complete"})

    async def _serve_websocket(self, scope: Scope, receive: Any, send: Any) -> None:
        mount = self._mount_of(scope)
        if mount is not None and (self._hosts is None or self._hosts.takes(dict(scope["headers"]).get(b"host", b""))):
            await mount.serve(scope, receive, send)
            return
        await receive()
        await send({"type": "websocket.close", "code": 1000})
