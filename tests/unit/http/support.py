"""Applications to test, without PostgreSQL: commands are committed to memory."""

import asyncio
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from headwater.binding import Parameter, Provided, Provider, Services, Site
from headwater.binding.provider import Making
from headwater.clock import Clock, SystemClock
from headwater.commit import Committer
from headwater.db import Db
from headwater.http import Compiler, Credential, HttpApp, Limit, Limiter, Request, Route
from headwater.http.limit import MemoryStore
from headwater.http.load.concurrency import ConcurrencyLimiters
from headwater.http.message.body import BodyLimits
from headwater.http.openapi import About, write_document
from headwater.http.step.operation import Operation
from headwater.http.verbs import make_route
from headwater.keyring import Keyring
from headwater.observe import Metrics
from headwater.part import Declarations, Part
from headwater.parts import platform_parts
from headwater.settings import Settings
from headwater.testing.client import Client
from tests.unit.commit.memory import MemoryCommitter


class Log:
    """Where the access log goes."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.written = asyncio.Event()

    def write(self, piece: bytes) -> None:
        self.pieces.append(piece)
        self.written.set()


class Built:
    """An application with what a test wants to look at."""

    def __init__(self, app: HttpApp, committer: MemoryCommitter, metrics: Metrics, log: Log) -> None:
        self.app = app
        self.committer = committer
        self.metrics = metrics
        self.client = Client(app)
        self.log = log

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The lines of the access log, once flushed."""
        return [msgspec.json.decode(line) for line in b"".join(self.log.pieces).splitlines()]


def compiler(
    *parts: Part, identify: Sequence[Credential] = (), realm: str = "realm", limits: Sequence[Limit] = ()
) -> Compiler:
    """What compiles routes with the parts of the platform, and these."""
    return Compiler(Declarations([*platform_parts(credentials=identify, realm=realm, limits=limits), *parts]))


def services(given: Mapping[type, Any]) -> Services:
    """What an application without PostgreSQL has open, and what a test gives it."""
    no_database: Any = None
    usual = {
        Settings: Settings(),
        Clock: SystemClock(),
        Metrics: Metrics(),
        Db: no_database,
        Committer: MemoryCommitter(),
        Keyring: Keyring("0123456789abcdef0123456789abcdef", no_database),
        Limiter: Limiter(MemoryStore()),
        ConcurrencyLimiters: ConcurrencyLimiters(),
    }
    return Services((), {**usual, **given})


def build(
    *routes: Route,
    providers: Sequence[Provider] = (),
    settings: Settings | None = None,
    db: Any = None,
    identify: Sequence[Credential] = (),
    realm: str = "realm",
    limiter: Limiter | None = None,
    limits: Sequence[Limit] = (),
    clock: Clock | None = None,
    **options: Any,
) -> Built:
    """An application of these routes."""
    committer, metrics, log = MemoryCommitter(), Metrics("web 1"), Log()
    given = {
        Db: db,
        Committer: committer,
        Limiter: limiter or Limiter(MemoryStore()),
        Settings: settings or Settings(),
        Metrics: metrics,
        Clock: clock or SystemClock(),
    }
    compiling = compiler(Part("test", *providers), identify=identify, realm=realm, limits=limits)
    app = HttpApp(routes, compiling, services(given), write=log.write, **options)
    return Built(app, committer, metrics, log)


def request_of(scope: dict[str, Any]) -> Request:
    """A request whose body nobody asks for."""

    async def receive() -> dict[str, Any]:
        raise AssertionError("the body is asked for")

    return Request(scope, receive, BodyLimits(1, 1, 1))


def document_of(*routes: Route, about: About = About(), **options: Any) -> dict[str, Any]:  # noqa: B008 - frozen
    """The OpenAPI document of these routes."""
    compiling = compiler(**options)
    return write_document(compiling.operations(routes), about, compiling.declared)


def query(path: str, handler: Callable[..., Any], method: str = "GET", **options: Any) -> Route:
    return make_route(method, path, handler, verb="query", **options)


def command(path: str, handler: Callable[..., Any], method: str = "POST", **options: Any) -> Route:
    return make_route(method, path, handler, verb="command", **{"app": "shop", **options})


def provided(kind: type, make: Callable[[Request], Any], statuses: tuple[int, ...] = ()) -> Provider:
    """A provider of a type that is made ahead of each request, by a function that may be asynchronous."""

    async def filled(making: Making) -> Any:
        value = make(making.context)
        return await value if inspect.isawaitable(value) else value

    def provide(site: Site, parameter: Parameter) -> Provided:
        return Provided(kind=kind, make=lambda services: filled, statuses=statuses)

    return Provider(kind=kind, context=Request, provide=provide)


def compiled(route: Route, *parts: Part) -> Operation:
    """What is known of a route, with nothing opened; raises what is wrong with it."""
    return compiler(*parts).operation(route)
