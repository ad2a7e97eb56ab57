"""Applications to test, without PostgreSQL: the stand-in for a committer keeps what it would store in memory."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import msgspec

from headwater.commit import IdempotencyKey, KeyReused, Origin, Outcome, Stored
from headwater.http import HttpApp, Identity, Limit, Limiter, Provider, Resources, Route
from headwater.http.limit import MemoryStore
from headwater.observe import Metrics
from headwater.settings import Settings
from headwater.testing.client import Client


class MemoryCommitter:
    """Executes work as the real one does, with nothing to commit; remembers origins and answers."""

    def __init__(self) -> None:
        self.origins: list[Origin] = []
        self.committed: list[Stored] = []
        self.rolled_back: list[Exception] = []
        self.attempts_lost = 0
        self.failure: Exception | None = None
        self.commit: Callable[[], Awaitable[None]] | None = None
        self._records: dict[bytes, tuple[bytes, Stored]] = {}
        self._lock = asyncio.Lock()

    async def execute(self, work: Any, origin: Origin, key: IdempotencyKey | None = None) -> Outcome:
        self.origins.append(origin)
        async with self._lock:
            return await self._execute(work, key)

    async def _execute(self, work: Any, key: IdempotencyKey | None) -> Outcome:
        if key is not None and key.scope in self._records:
            fingerprint, stored = self._records[key.scope]
            if fingerprint != key.fingerprint:
                raise KeyReused
            return Outcome(stored, replayed=True)
        try:
            for _ in range(self.attempts_lost):
                await work(SimpleNamespace(attempt="lost"))
            stored = await work(SimpleNamespace(attempt="kept"))
        except Exception as error:
            self.rolled_back.append(error)
            raise
        if self.commit is not None:
            await self.commit()
        if self.failure is not None:
            raise self.failure
        self.committed.append(stored)
        if key is not None:
            self._records[key.scope] = (key.fingerprint, stored)
        return Outcome(stored, replayed=False)


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
