"""App and Backend: an app declares what there is; the backend is the one place where the parts meet."""

import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar, Unpack, cast

from msgspec import structs

from headwater.backoff import Backoff
from headwater.clock import Clock, SystemClock
from headwater.commit import Committer, GroupCommit, Origin, Tx
from headwater.consumer import Interest, Subscription, tables_of
from headwater.consumer.handler import compile_handler
from headwater.db import Db, DbError, Pool, Source, pending, platform_source
from headwater.engines import postgres_url
from headwater.errors import HeadwaterError
from headwater.http import Credential, Endpoint, HttpApp, Identity, Provider, Resources, Route, compile_endpoint
from headwater.http.files.tus import routes_of
from headwater.http.keyring import Keyring
from headwater.http.limit import Limit, Limiter, check_limits, open_limiter
from headwater.http.openapi import About, write_document
from headwater.http.options import CommandOptions, QueryOptions, UploadsOptions
from headwater.http.page import Pages
from headwater.http.page.indexes import missing_indexes
from headwater.http.page.plan import Plan
from headwater.http.router import Router
from headwater.http.signature import read_signature
from headwater.http.version import Converter, Edition, Versions, compile_editions, refuse_versions
from headwater.http.version.document import write_edition
from headwater.ids import Snowflakes
from headwater.log import CAN_CONTINUE
from headwater.objects import Objects, Place, place_of
from headwater.objects.staging import Staging
from headwater.observe import Metrics, report
from headwater.settings import Settings, read_settings
from headwater.types import Event

Handler = TypeVar("Handler", bound=Callable[..., Awaitable[Any]])
Answering = TypeVar("Answering", bound=Callable[..., Awaitable[Any] | AsyncIterator[Any]])
Converting = TypeVar("Converting", bound=Callable[[Any], Any])
Seed = Callable[[Tx], Awaitable[str | None]]

_NO_POOL = cast(Pool, None)
_NO_PLACE = Objects(Place(url="memory:"))
_WITHOUT_ENGINES = Resources(
    db=Db(_NO_POOL),
    committer=Committer(_NO_POOL, keep=timedelta()),
    providers={
        Objects: Provider(lambda request: _NO_PLACE),
        Snowflakes: Provider(lambda request: None),
        Limiter: Provider(lambda request: None, statuses=(429,)),
    },
    group=GroupCommit(Committer(_NO_POOL, keep=timedelta())),
    staging=Staging(Db(_NO_POOL), _NO_PLACE, keep=timedelta()),
)
"""Enough to compile handlers, which is all that it takes to see whether they can be run."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)


class AppError(HeadwaterError):
    """The backend is put together wrongly."""


class BadName(AppError):
    """{name!r} is no name for an app: lower-case letters, digits and underscores, a letter first, at most 40; neither
    headwater nor pg_…, which are taken."""


class BadRoute(AppError):
    """{route!r} is no route; one looks like "GET /orders/{{id}}"."""


class NameTaken(AppError):
    """{what} {name!r} is declared twice: by {first} and by {second}."""


class VersionUnknown(AppError):
    """The API has no version {version!r}; there are: {there}."""


class EngineUnnamed(AppError):
    """HEADWATER_POSTGRES_URL is not set, and a backend on its own starts no engine; `headwater up` does."""


class NotOpen(AppError):
    """The backend is not open: a server must run its ASGI lifespan, and a test its `open`."""


class App:
    """A named group of routes and handlers with its own PostgreSQL schema and migrations.

    The decorators record a function and return it unchanged, so that a test can call it like any other. `migrations`
    is a folder beside the module that makes the app; an app without that folder has no tables of its own. `schema` is
    by default the app's name. `description` says in the documentation what the app is for. Raises `BadName` for a name
    that cannot be a schema.
    """

    def __init__(
        self, name: str, *, description: str = "", schema: str | None = None, migrations: Path | str = "migrations"
    ) -> None:
        for word in (name, schema or name):
            if _NAME.fullmatch(word) is None or word == "headwater" or word.startswith("pg_"):
                raise BadName(name=word)
        self.name = name
        self.description = description
        self.source = Source(name, schema or name, _folder_of_module(sys._getframe(1).f_globals) / migrations)
        self.routes: list[Route] = []
        self.subscriptions: list[Subscription] = []
        self.converters: list[Converter] = []

    def __repr__(self) -> str:
        return f"App({self.name!r})"

    def query(self, route: str, **options: Unpack[QueryOptions]) -> Callable[[Answering], Answering]:
        """Answer ``"GET /products/{id}"`` by reading; never writes. Raises `BadRoute`."""
        return self._route("query", route, options)

    def command(self, route: str, **options: Unpack[CommandOptions]) -> Callable[[Handler], Handler]:
        """Answer ``"POST /orders"`` by writing: one transaction, one commit. Raises `BadRoute`."""
        return self._route("command", route, {"idempotency": "optional", **options})

    def uploads(self, path: str, **options: Unpack[UploadsOptions]) -> Callable[[Handler], Handler]:
        """Take resumable uploads at ``"/uploads"``, by the tus protocol.

        The function is called once for each, in the transaction that finishes it: ``async def attach(tx: Tx, upload:
        Upload) -> None``. Raises `BadRoute`.
        """
        if not path.startswith("/"):
            raise BadRoute(route=path)
        given: dict[str, Any] = {**options}
        if "limit" in given:
            given["upload_limit"] = given.pop("limit")

        def record(handler: Handler) -> Handler:
            declared = Route(method="POST", path=path, handler=handler, verb="command", app=self.name, **given)
            self.routes += routes_of(declared)
            return handler

        return record

    def downgrade(self, version: str) -> Callable[[Converting], Converting]:
        """Make of a type what it was in `version`, for every answer that is or holds it.

        ``def show_old(product: Product) -> ProductV1``, from what it is in the next newer version.
        """
        return self._convert("downgrade", version)

    def upgrade(self, version: str) -> Callable[[Converting], Converting]:
        """Make of what a body was in `version` what it is in the next newer one.

        ``def read_old(old: NewProductV1) -> NewProduct``, for every body that is or holds it. It may raise a `Problem`
        for what has no such form.
        """
        return self._convert("upgrade", version)

    def on(
        self,
        *events: Interest,
        name: str | None = None,
        batch: int | None = None,
        retries: int = 8,
        backoff: Backoff = Backoff(),  # noqa: B008 - frozen
        timeout: float = 30.0,
        start: Literal["start", "latest"] = "start",
    ) -> Callable[[Handler], Handler]:
        """Apply every such event to this database exactly once, in order per key.

        `name` is what the consumer's progress is stored under, by default the function's; renaming it starts anew.
        With `batch` the handler receives up to that many events at once, as a list in the order of the log. An event
        that fails is tried `retries` times more, after the waits of `backoff`, and then parked with its key; a call
        that takes longer than `timeout` seconds has failed. A new consumer reads the whole log; with
        ``start="latest"``, what comes from now on.
        """

        def record(handler: Handler) -> Handler:
            self.subscriptions.append(
                Subscription(
                    name=f"{self.name}.{name or _name_of(handler)}",
                    app=self.name,
                    events=events,
                    handler=handler,
                    batch=batch,
                    retries=retries,
                    backoff=backoff,
                    timeout=timeout,
                    start=start,
                )
            )
            return handler

        return record

    def _convert(self, direction: Literal["downgrade", "upgrade"], version: str) -> Callable[[Converting], Converting]:
        def record(convert: Converting) -> Converting:
            self.converters.append(Converter(version=version, direction=direction, convert=convert))
            return convert

        return record

    def _route(
        self, verb: Literal["query", "command"], route: str, options: QueryOptions | CommandOptions
    ) -> Callable[[Answering], Answering]:
        method, space, path = route.partition(" ")
        if not (space and method.isupper() and path.startswith("/")):
            raise BadRoute(route=route)

        def record(handler: Answering) -> Answering:
            self.routes.append(Route(method=method, path=path, handler=handler, verb=verb, app=self.name, **options))
            return handler

        return record


class Backend:
    """Several apps as one service: an ASGI application, and what `headwater up` runs.

    `mounts` maps a prefix to any ASGI application. `seed` receives a `Tx` once, the first time the backend is started
    on an empty database, and may answer with a sentence for the start screen. With `versions` the API has several, of
    which handlers are written for the newest. `title`, `version`, `description`,
    `license` (an SPDX identifier or a URL), `contact` (a mail address or a URL) and `servers` (URLs) are what the
    OpenAPI document says of the whole. `identify` is by which credentials one knows who asks: `Bearer`, `ApiKey`,
    `Cookie`, or several of them. `limits` are the rate limits of every route that has none of its own. Raises an
    `AppError` when parts clash, and `LimitsClash` for two limits of one name.
    """

    def __init__(
        self,
        *apps: App,
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
        credentials = tuple(identify) if isinstance(identify, Sequence) else (identify,)
        self.identity = Identity(credentials, self.title) if credentials else None
        self.limits = tuple(limits)
        self.seed = seed
        self.routes = tuple(route for app in apps for route in app.routes)
        self.converters = tuple(converter for app in apps for converter in app.converters)
        self.subscriptions = tuple(subscription for app in apps for subscription in app.subscriptions)
        self.sources = (platform_source(), *(app.source for app in apps if app.source.folder.is_dir()))
        self.published = tuple(tables_of(self.subscriptions))
        check_limits(self._declared_limits())
        _refuse_twins("app", [(app.name, str(app.source.folder)) for app in apps])
        _refuse_twins("consumer", [(each.name, _place_of(each.handler)) for each in self.subscriptions])
        _refuse_twins("event type", [(each.__name__, _place_of(each)) for each in _event_types(self.subscriptions)])
        self._closing = AsyncExitStack()
        self._opened: Opened | None = None

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
        """Open the pools and build the endpoints. `name` is what the connections are called in ``pg_stat_activity``.

        Raises `EngineUnnamed`, `PlaceInvalid`, `Unavailable`, or a `RouteError` for a handler that cannot be served;
        what was opened until then is closed again.
        """
        try:
            self._opened = await self._open(settings, name, clock, metrics)
        except BaseException:
            await self.close()
            raise

    async def _open(self, settings: Settings, name: str, clock: Clock | None, metrics: Metrics | None) -> "Opened":
        if settings.postgres_url is None:
            raise EngineUnnamed
        url = settings.postgres_url
        reads = await Pool.open(url, read_only=True, application_name=f"{name} reads")
        self._closing.push_async_callback(reads.close)
        writes = await Pool.open(url, application_name=f"{name} writes")
        self._closing.push_async_callback(writes.close)
        db = Db(reads)
        committer = Committer(writes, clock, keep=timedelta(hours=settings.idempotency_hours))
        metrics = metrics or Metrics()
        group = GroupCommit(committer, metrics)
        self._closing.push_async_callback(group.close)
        objects = Objects(place_of(settings))
        limiter = open_limiter(settings, metrics)
        self._closing.push_async_callback(limiter.close)
        ids = Snowflakes(writes, clock=clock)
        self._closing.push_async_callback(ids.close)
        http = HttpApp(
            self.routes,
            Resources(
                db=db,
                committer=committer,
                providers={
                    Objects: Provider(lambda request: objects),
                    Snowflakes: Provider(lambda request: ids),
                    Limiter: Provider(lambda request: limiter, statuses=(429,)),
                },
                staging=Staging(Db(writes), objects, keep=timedelta(hours=settings.upload_hours), clock=clock),
                group=group,
                keyring=Keyring(settings.secret, db),
                clock=clock or SystemClock(),
                identity=self.identity,
                limiter=limiter,
                lines={"reads": reads, "writes": writes},
                limits=self.limits,
            ),
            settings,
            mounts=self.mounts,
            about=self.about,
            versions=self.versions,
            converters=self.converters,
            clock=clock,
            readiness=_Readiness(url, self.sources, db, settings.slot),
            metrics=metrics,
        )
        for missing in await missing_indexes(db, self._plans()):
            report(missing)
        return Opened(db, committer, http, group)

    async def close(self) -> None:
        """Close what `open` opened; it may be opened again."""
        self._opened = None
        await self._closing.aclose()

    @asynccontextmanager
    async def transaction(self, name: str) -> AsyncIterator[Tx]:
        """A transaction outside of any request, for a script: ``async with backend.transaction("load people") as tx``.

        Its database is that of HEADWATER_POSTGRES_URL, or the one that `headwater up` runs from this folder. `name` is
        the command in what it emits. No statement has a time limit. Raises `EngineNotRunning` or `Unavailable`.
        """
        pool = await Pool.open(
            postgres_url(read_settings()), size=1, application_name=f"headwater {name}", statement_timeout=0
        )
        try:
            async with Committer(pool, keep=timedelta()).transaction(Origin(app=self.title, command=name)) as tx:
                yield tx
        finally:
            await pool.close()

    def _plans(self) -> Iterator[Plan]:
        """What the pages of the routes can be asked."""
        for route in self.routes:
            for parameter in read_signature(route).parameters:
                if isinstance(parameter.marker, Pages):
                    yield Plan(parameter.marker)

    def check(self) -> None:
        """Raise a `RouteError`, `VersionError` or `BadHandler` for the first that cannot be run; needs no engine."""
        if self.versions is None:
            Router(self._endpoints())
        else:
            for edition in self._editions(self.versions):
                Router(edition.endpoints)
        for subscription in self.subscriptions:
            compile_handler(subscription)

    def openapi(self, version: str | None = None) -> dict[str, Any]:
        """The OpenAPI 3.1 document, of the newest version unless told otherwise.

        Raises `VersionUnknown`, and a `RouteError` for a route that cannot be served.
        """
        if self.versions is None:
            if version is not None:
                raise VersionUnknown(version=version, there="none")
            return write_document(self._endpoints(), self.about)
        wanted = version or self.versions.newest
        for edition in self._editions(self.versions):
            if edition.name == wanted:
                return write_edition(edition, self.versions, self.about)
        raise VersionUnknown(version=wanted, there=", ".join(self.versions.names))

    def _endpoints(self) -> list[Endpoint]:
        refuse_versions(self.routes, self.converters)
        return [compile_endpoint(route, self._without_engines) for route in self.routes]

    def _editions(self, versions: Versions) -> list[Edition]:
        return compile_editions(versions, self.routes, self.converters, self._without_engines)

    def _declared_limits(self) -> Iterator[tuple[Limit, str]]:
        yield from ((limit, "the backend") for limit in self.limits)
        yield from ((limit, f"{route} ({route.place})") for route in self.routes for limit in route.limits or ())

    @property
    def _without_engines(self) -> Resources:
        return structs.replace(_WITHOUT_ENGINES, identity=self.identity, limits=self.limits)

    @property
    def opened(self) -> "Opened":
        """What `open` made; raises `NotOpen` outside its time."""
        if self._opened is None:
            raise NotOpen
        return self._opened

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """ASGI. The lifespan opens the backend with the settings of the environment, unless it is open already."""
        if scope["type"] == "lifespan" and self._opened is None:
            await self._live(scope, receive, send)
        else:
            await self.opened.http(scope, receive, send)

    async def _live(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await self.open(read_settings())
        except HeadwaterError as error:
            await receive()
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        try:
            await self.opened.http(scope, receive, send)
        finally:
            await self.close()


class Opened(NamedTuple):
    """The parts of a backend that exist while it is open."""

    db: Db
    committer: Committer
    http: HttpApp
    group: GroupCommit


class _Readiness:
    """Says why the backend is not ready: PostgreSQL does not answer, migrations are missing, or what is committed now
    would be in no log.

    Migrations never go back while a release runs, so once none is missing they are not asked about again.
    """

    def __init__(self, url: str, sources: tuple[Source, ...], db: Db, slot: str) -> None:
        self._url = url
        self._sources = sources
        self._db = db
        self._slot = slot
        self._migrated = False

    async def __call__(self) -> list[str]:
        """The reasons, for people; none when requests can be served."""
        try:
            if not self._migrated:
                missing = await pending(self._url, self._sources, phases=("expand",))
                if missing:
                    return [f"{len(missing)} migrations are not applied, the first is {missing[0].path.name}"]
                self._migrated = True
            if not await self._db.one(bool, CAN_CONTINUE, self._slot):
                return [f"the replication slot {self._slot!r} is gone or lost; see `headwater log reconcile`"]
        except DbError as error:
            return [self._without_folders(str(error))]
        return []

    def _without_folders(self, reason: str) -> str:
        """What anybody may read: where the files of migrations stand is not for them."""
        for source in self._sources:
            reason = reason.replace(f"{source.folder}/", "")
        return reason


def _folder_of_module(names: Mapping[str, Any]) -> Path:
    file = names.get("__file__")
    return Path(file).resolve().parent if file else Path.cwd()


def _name_of(handler: Callable[..., Any]) -> str:
    return getattr(handler, "__name__", type(handler).__name__)


def _place_of(thing: Any) -> str:
    return f"{thing.__module__}.{thing.__qualname__}"


def _event_types(subscriptions: Iterable[Subscription]) -> Iterable[type[Event]]:
    """Each once, however many follow it."""
    interests = dict.fromkeys(interest for subscription in subscriptions for interest in subscription.events)
    return [interest for interest in interests if isinstance(interest, type) and issubclass(interest, Event)]


def _refuse_twins(what: str, named: Iterable[tuple[str, str]]) -> None:
    """An event type, say, is found by its name in the log, so two may not share one."""
    places: dict[str, str] = {}
    for name, place in named:
        if name in places:
            raise NameTaken(what=what, name=name, first=places[name], second=place)
        places[name] = place
