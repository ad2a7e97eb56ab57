"""A backend: several apps and parts as one service. It iterates over their declarations."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, AsyncExitStack, ExitStack, asynccontextmanager, nullcontext
from datetime import timedelta
from functools import cached_property
from typing import Any

from headwater.app import App, AppError
from headwater.binding import Hook, Resource, Services
from headwater.clock import Clock, SystemClock
from headwater.commit import Committer, GroupCommit, Origin, Tx
from headwater.consumer import Subscription, tables_of
from headwater.consumer.handler import Handler
from headwater.db import Db, Pool, Source
from headwater.engines import postgres_url
from headwater.errors import HeadwaterError
from headwater.http import Credential, HttpApp
from headwater.http.compiler import Compiler
from headwater.http.limit import Limit
from headwater.http.openapi import About, write_document
from headwater.http.page.indexes import missing_indexes
from headwater.http.page.plan import PagePlan
from headwater.http.route.route import Route, refuse_option
from headwater.http.router import check_routes
from headwater.http.step.operation import Operation
from headwater.http.step.step import Accepts
from headwater.http.verbs import OPTIONS
from headwater.http.version import Converter, Edition, Versions, compile_editions, refuse_versions
from headwater.http.version.document import write_edition
from headwater.observe import Metrics, report
from headwater.part import Declarations, Part, Validation
from headwater.parts import platform_parts
from headwater.readiness import Readiness
from headwater.settings import Settings, read_settings
from headwater.types import Event, ProcessName
from headwater.upkeep import Middleware, OwnSettings, check_functions

Seed = Callable[[Tx], Awaitable[str | None]]


class DeclaredTwice(AppError):
    """{what} {name!r} is declared twice: by {first} and by {second}."""


class VersionUnknown(AppError):
    """The API has no version {version!r}; the versions are {known}."""


class NotOpen(AppError):
    """The backend is not open. A server must run its ASGI lifespan; a test must call its `open`."""


class Backend:
    """Several apps as one service: an ASGI application, and what `headwater up` runs.

    `parts` are additional capabilities; see `headwater.part`. `mounts` maps a prefix to any ASGI application. `seed`
    receives a `Tx` once, the first time the backend is started on an empty database, and may return a sentence for the
    start screen. `versions` declares the versions of the API; handlers are written for the newest. `title`, `version`,
    `description`, `license` (an SPDX identifier or a URL), `contact` (a mail address or a URL) and `servers` (URLs)
    describe the API in the OpenAPI document. `identify` are the credentials that authenticate principals: `Bearer`,
    `ApiKey`, `Cookie`, or several of them. `limits` are the rate limits of every route that declares none. Raises an
    `AppError` when parts clash, and `LimitsClash` for two different limits of one name.
    """

    def __init__(
        self,
        *apps: App,
        parts: Sequence[Part] = (),
        mounts: Mapping[str, Any] | None = None,
        title: str | None = None,
        version: str = "1",
        description: str = "",
        license: str | None = None,
        contact: str | None = None,
        servers: Sequence[str] = ("/",),
        versions: Versions | None = None,
        identify: Credential | Sequence[Credential] = (),
        limits: Sequence[Limit] = (),
        seed: Seed | None = None,
    ) -> None:
        self.apps = apps
        self.mounts = dict(mounts or {})
        self.title = title or " and ".join(app.name for app in apps) or "headwater"
        self.about = About(
            title=self.title,
            version=version,
            description=description,
            license=license,
            contact=contact,
            servers=tuple(servers),
            apps={app.name: app.description for app in apps},
        )
        self.versions = versions
        self.seed = seed
        credentials = tuple(identify) if isinstance(identify, Sequence) else (identify,)
        platform = platform_parts(credentials=credentials, realm=self.title, limits=limits)
        self.parts = (*platform, *parts, *apps)
        _refuse_duplicates("app", [(app.name, str(app.source.folder)) for app in apps])
        _refuse_duplicates("part", [(part.name, repr(part)) for part in (*platform, *parts)])
        self._check(Declarations(self.parts))
        self._closing = AsyncExitStack()
        self._opened: Opened | None = None

    @cached_property
    def declared(self) -> Declarations:
        """The declarations of the parts, which this seals: a later declaration raises `PartSealed`."""
        for part in self.parts:
            part.seal()
        declared = Declarations(self.parts)
        self._check(declared)
        return declared

    @cached_property
    def compiler(self) -> Compiler:
        return Compiler(self.declared)

    @cached_property
    def routes(self) -> tuple[Route, ...]:
        return tuple(self.declared.of(Route))

    @cached_property
    def converters(self) -> tuple[Converter, ...]:
        return tuple(self.declared.of(Converter))

    @cached_property
    def subscriptions(self) -> tuple[Subscription, ...]:
        return tuple(self.declared.of(Subscription))

    @cached_property
    def sources(self) -> tuple[Source, ...]:
        """The migrations of all parts, those of the platform first."""
        return tuple(source for source in self.declared.of(Source) if source.folder.is_dir())

    @cached_property
    def published(self) -> Mapping[str, Collection[str]]:
        """The tables whose changes consumers follow, each with the columns whose old values they need."""
        return tables_of(self.subscriptions)

    def _check(self, declared: Declarations) -> None:
        """Raise an error if declarations contradict each other."""
        routes, subscriptions = declared.of(Route), declared.of(Subscription)
        _refuse_duplicates("consumer", [(each.name, each.location) for each in subscriptions])
        _refuse_duplicates("event type", [(each.__name__, _location_of(each)) for each in _event_types(subscriptions)])
        _refuse_unheeded(routes, declared.of(Accepts))
        for each in declared.of(Validation):
            each.validate(declared)
        Services(declared.of(Resource))

    def __repr__(self) -> str:
        return f"Backend({', '.join(app.name for app in self.apps)})"

    async def open(
        self,
        settings: Settings,
        *,
        name: str = "headwater web",
        clock: Clock | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        """Open the resources of all parts and build the endpoints.

        `name` is the application name of the connections in ``pg_stat_activity``. Raises `EngineUnnamed`,
        `Unavailable`, what the parts raise, or a `HandlerError` for a handler that cannot be served; whatever was
        opened before is closed again.
        """
        try:
            services = self.services(settings, name=name, clock=clock, metrics=metrics)
            self._closing.push_async_callback(services.close)
            await services.open_all()
            self._opened = await self._open(services)
        except BaseException:
            await self.close()
            raise

    def services(
        self,
        settings: Settings,
        *,
        name: str = "headwater",
        clock: Clock | None = None,
        metrics: Metrics | None = None,
    ) -> Services:
        """The resources of one process, none of them opened yet; the caller closes them."""
        given: dict[type, Any] = {
            Settings: settings,
            Clock: clock or SystemClock(),
            Metrics: metrics or Metrics(),
            ProcessName: ProcessName(name),
            Backend: self,
        }
        return Services(self.declared.of(Resource), given)

    def provides(self, kind: Any) -> bool:
        """Whether a type is one of the resources of this backend."""
        return any(each.kind is kind for each in self.declared.of(Resource)) or kind in self.services(Settings())

    async def start(self, services: Services) -> None:
        """Run the hooks of the apps and parts up to their ``yield``; the rest runs when `services` is closed."""
        for hook in self.declared.of(Hook):
            await services.run(hook)

    async def _open(self, services: Services) -> "Opened":
        http = HttpApp(
            self.routes,
            self.compiler,
            services,
            mounts=self.mounts,
            about=self.about,
            versions=self.versions,
            converters=self.converters,
            readiness=Readiness(self.declared, self.sources, services),
        )
        for missing in await missing_indexes(services[Db], self._plans()):
            report(missing)
        await self.start(services)
        return Opened(services, http, self._around(http))

    def _around(self, http: HttpApp) -> Any:
        """The application wrapped in the middleware of all parts."""
        served: Any = http
        for each in reversed(self.declared.of(Middleware)):
            served = each.wrap(served)
        return served

    async def close(self) -> None:
        """Close what `open` opened. The backend can be opened again."""
        self._opened = None
        await self._closing.aclose()

    @asynccontextmanager
    async def transaction(self, name: str) -> AsyncIterator[Tx]:
        """A transaction outside a request, for scripts: ``async with backend.transaction("load people") as tx``.

        Its database is that of HEADWATER_POSTGRES_URL, or the one that `headwater up` runs from this folder. `name` is
        the command of the events that it emits. Statements have no timeout. Raises `EngineNotRunning` or `Unavailable`.
        """
        pool = await Pool.open(
            postgres_url(read_settings()), size=1, application_name=f"headwater {name}", statement_timeout=0
        )
        try:
            async with Committer(pool, keep=timedelta()).transaction(Origin(app=self.title, command=name)) as tx:
                yield tx
        finally:
            await pool.close()

    def _plans(self) -> Iterator[PagePlan]:
        """The plans of all paged lists."""
        for operation in self.compiler.operations(self.routes):
            yield from operation.facts(PagePlan)

    def check(self) -> None:
        """Raise a `HandlerError` or a `VersionError` for the first handler that cannot be served; needs no engine."""
        if self.versions is None:
            check_routes(self._operations())
        else:
            for edition in self._editions(self.versions):
                check_routes(edition.operations)
        for subscription in self.subscriptions:
            Handler(subscription, self.compiler.providers)
        services = self.services(Settings())
        for resource in self.declared.of(Resource):
            services.check(resource)
        for hook in self.declared.of(Hook):
            services.check(hook)
        check_functions(self.declared, services)

    def check_settings(self) -> None:
        """Raise a `SettingsError` for the first invalid setting of a part."""
        for each in self.declared.of(OwnSettings):
            each.open()

    def openapi(self, version: str | None = None) -> dict[str, Any]:
        """The OpenAPI 3.1 document of a version, by default the newest.

        Raises `VersionUnknown`, and a `HandlerError` for a route that cannot be served.
        """
        if self.versions is None:
            if version is not None:
                raise VersionUnknown(version=version, known="none")
            return write_document(self._operations(), self.about, self.declared)
        wanted = version or self.versions.newest
        for edition in self._editions(self.versions):
            if edition.name == wanted:
                return write_edition(edition, self.versions, self.about, self.declared)
        raise VersionUnknown(version=wanted, known=", ".join(self.versions.names))

    def _operations(self) -> list[Operation]:
        refuse_versions(self.routes, self.converters)
        return self.compiler.operations(self.routes)

    def _editions(self, versions: Versions) -> list[Edition]:
        return compile_editions(versions, self.routes, self.converters, self.compiler)

    @property
    def opened(self) -> "Opened":
        """What exists while the backend is open; otherwise raises `NotOpen`."""
        if self._opened is None:
            raise NotOpen
        return self._opened

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """ASGI. Unless the backend is open already, the lifespan opens it with the settings of the environment."""
        if scope["type"] == "lifespan" and self._opened is None:
            await self._live(scope, receive, send)
        else:
            await self.opened.application(scope, receive, send)

    async def _live(self, scope: Any, receive: Any, send: Any) -> None:
        with ExitStack() as closing:
            try:
                settings = read_settings()
                await self.open(settings, metrics=closing.enter_context(_own_metrics(settings)))
            except HeadwaterError as error:
                await receive()
                await send({"type": "lifespan.startup.failed", "message": str(error)})
                return
            try:
                await self.opened.application(scope, receive, send)
            finally:
                await self.close()


class Opened:
    """What exists while a backend is open: its services, and the application within its middleware."""

    def __init__(self, services: Services, http: HttpApp, application: Any) -> None:
        self.services = services
        self.http = http
        self.application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.application(scope, receive, send)

    def leave(self) -> None:
        """Report at /readyz that requests should go elsewhere."""
        self.http.leave()

    async def drain(self) -> None:
        """Wait until no request is in flight, with a timeout."""
        await self.http.drain()

    @property
    def served(self) -> "Opened | HttpApp":
        """What a server calls: the application itself if there is no middleware."""
        return self.http if self.application is self.http else self

    @property
    def db(self) -> Db:
        return self.services[Db]

    @property
    def committer(self) -> Committer:
        return self.services[Committer]

    @property
    def group(self) -> GroupCommit:
        return self.services[GroupCommit]


def _own_metrics(settings: Settings) -> AbstractContextManager[Metrics | None]:
    """The metrics of a process without a supervisor: served only if its settings name a port."""
    if not settings.metrics_port:
        return nullcontext()
    from headwater.observe.server import own_metrics  # an HTTP server of the standard library, which few need

    return own_metrics("web", settings.home, settings.metrics_host, settings.metrics_port)


def _refuse_unheeded(routes: Iterable[Route], accepted: Iterable[Accepts]) -> None:
    """Raise `OptionInvalid` for an option that no part of the backend accepts: it would have no effect."""
    known = {*OPTIONS.kinds, *(each.option for each in accepted)}
    for route in routes:
        for option in route.options:
            if type(option) not in known:
                refuse_option(route, type(option).__name__, "no part of this backend accepts it")


def _location_of(thing: Any) -> str:
    return f"{thing.__module__}.{thing.__qualname__}"


def _event_types(subscriptions: Iterable[Subscription]) -> Iterable[type[Event]]:
    """Each event type once, however many consumers follow it."""
    interests = dict.fromkeys(interest for subscription in subscriptions for interest in subscription.events)
    return [interest for interest in interests if isinstance(interest, type) and issubclass(interest, Event)]


def _refuse_duplicates(what: str, named: Iterable[tuple[str, str]]) -> None:
    """Names identify declarations, for example event types in the log, so two must not share one."""
    locations: dict[str, str] = {}
    for name, location in named:
        if name in locations:
            raise DeclaredTwice(what=what, name=name, first=locations[name], second=location)
        locations[name] = location
