"""Applications to test, without PostgreSQL: commands are committed to memory."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from headwater.http import HttpApp, Identity, Limit, Limiter, Provider, Resources, Route
from headwater.http.limit import MemoryStore
from headwater.observe import Metrics
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


def build(
    *routes: Route,
    providers: Mapping[type, Provider] | None = None,
    settings: Settings | None = None,
    db: Any = None,
    identity: Identity | None = None,
    limiter: Limiter | None = None,
    limits: Sequence[Limit] = (),
    **options: Any,
) -> Built:
    """An application of these routes."""
    committer, metrics, log = MemoryCommitter(), Metrics("web 1"), Log()
    resources = Resources(
        db=db,
        committer=committer,  # type: ignore[arg-type]
        providers=providers or {},
        identity=identity,
        limiter=limiter or Limiter(MemoryStore()),
        limits=limits,
    )
    app = HttpApp(routes, resources, settings or Settings(), metrics=metrics, write=log.write, **options)
    return Built(app, committer, metrics, log)


def query(path: str, handler: Callable[..., Any], method: str = "GET", **options: Any) -> Route:
    return Route(method=method, path=path, handler=handler, verb="query", **options)


def command(path: str, handler: Callable[..., Any], method: str = "POST", **options: Any) -> Route:
    return Route(method=method, path=path, handler=handler, verb="command", app="shop", **options)
