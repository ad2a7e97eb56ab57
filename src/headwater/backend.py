"""A backend: several apps as one service; the one place where the parts meet."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any, NamedTuple, cast

from msgspec import structs

from headwater.app import App, AppError
from headwater.clock import Clock, SystemClock
from headwater.commit import Committer, GroupCommit, Origin, Tx
from headwater.consumer import Subscription, tables_of
from headwater.consumer.handler import compile_handler
from headwater.db import Db, DbError, Pool, Source, pending, platform_source
from headwater.engines import postgres_url
from headwater.errors import HeadwaterError
from headwater.http import Credential, Endpoint, HttpApp, Identity, Provider, Resources, compile_endpoint
from headwater.http.keyring import Keyring
from headwater.http.limit import Limit, Limiter, check_limits, open_limiter
from headwater.http.openapi import About, write_document
from headwater.http.page import Pages
from headwater.http.page.indexes import missing_indexes
from headwater.http.page.plan import Plan
from headwater.http.route.signature import read_signature
from headwater.http.router import Router
from headwater.http.version import Edition, Versions, compile_editions, refuse_versions
from headwater.http.version.document import write_edition
from headwater.ids import Snowflakes
from headwater.log import CAN_CONTINUE
from headwater.objects import Location, Objects, location_of
from headwater.objects.staging import Staging
from headwater.observe import Metrics, report
from headwater.settings import Settings, read_settings
from headwater.types import Event

Seed = Callable[[Tx], Awaitable[str | None]]

_NO_POOL = cast(Pool, None)
_NO_STORE = Objects(Location(url="memory:"))
_WITHOUT_ENGINES = Resources(
    db=Db(_NO_POOL),
    committer=Committer(_NO_POOL, keep=timedelta()),
    providers={
        Objects: Provider(lambda request: _NO_STORE),
        Snowflakes: Provider(lambda request: None),
        Limiter: Provider(lambda request: None, statuses=(429,)),
    },
    group=GroupCommit(Committer(_NO_POOL, keep=timedelta())),
    staging=Staging(Db(_NO_POOL), _NO_STORE, keep=timedelta()),
)
"""Enough to compile handlers, which is all that it takes to see whether they can be run."""


class NameTaken(AppError):
    """{what} {name!r} is declared twice: by {first} and by {second}."""


class VersionUnknown(AppError):
    """The API has no version {version!r}; there are: {there}."""


class EngineUnnamed(AppError):
    """HEADWATER_POSTGRES_URL is not set, and a backend on its own starts no engine; `headwater up` does."""


class NotOpen(AppError):
    """The backend is not open: a server must run its ASGI lifespan, and a test its `open`."""


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

        Raises `EngineUnnamed`, `LocationInvalid`, `Unavailable`, or a `RouteError` for a handler that cannot be served;
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
        objects = Objects(location_of(settings))
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
