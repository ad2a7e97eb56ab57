"""A running backend inside a test: served in process, with its relay and its consumers as tasks beside the test."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

import msgspec

from headwater.backend import Backend
from headwater.clock import follow
from headwater.commit import Origin, Tx
from headwater.consumer import run_consumers
from headwater.db import Db, Pool
from headwater.observe import Metrics
from headwater.settings import Settings
from headwater.supervisor.housekeeping import EVERY_SECONDS, clean
from headwater.testing.client import Client
from headwater.testing.clock import Clock
from headwater.testing.databases import Databases
from headwater.testing.failures import showing_failures
from headwater.testing.settle import settle
from headwater.upkeep import Chore
from headwater.wal import prepare_log, run_relay

SETTLE_SECONDS = 20.0


class RunningBackend:
    """The fixture `backend`."""

    def __init__(self, backend: Backend, settings: Settings, pool: Pool, clock: Clock) -> None:
        self.backend = backend
        self.settings = settings
        self.clock = clock
        """The clock of the backend; ``backend.clock.jump(days=7)``."""
        self.client = Client(backend)
        """Sends requests to the backend, in this process."""
        self.pool = pool
        """Raw connections that may write: ``async with backend.pool.acquire() as connection``."""
        self.tasks: list[asyncio.Task[None]] = []
        """The relay and the consumers; none ends before the test does."""
        self._began = clock.monotonic()
        self._done_at: dict[str, float] = {}

    @property
    def db(self) -> Db:
        """Reads, as in a query."""
        return self.backend.opened.db

    @property
    def metrics(self) -> Metrics:
        """The metrics of the backend: ``backend.metrics.expose()``."""
        return self.backend.opened.services[Metrics]

    @property
    def url(self) -> str:
        """The URL of this test's database."""
        assert self.settings.postgres_url is not None
        return self.settings.postgres_url

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Tx]:
        """A transaction as in a command, with which a test prepares rows and events."""
        async with self.backend.opened.committer.transaction(Origin(app="testing", command="test")) as tx:
            yield tx

    async def seed(self) -> str | None:
        """Write the backend's own demo data; returns its text for the start screen."""
        assert self.backend.seed is not None, "this backend has no seed"
        async with self.transaction() as tx:
            return await self.backend.seed(tx)

    async def settle(self, seconds: float = SETTLE_SECONDS, *, retries: bool = True) -> None:
        """Return once every consumer has applied everything that was committed, and everything that follows from it.

        It waits for retries; without `retries` only for those that are due by the clock, so that a test can jump to the
        rest. If the clock has moved far enough for housekeeping, that is done as well.

        Raises `KeysParked` with the causes if a key was parked, `NotSettled` or `RelayBehind` after `seconds`, and the
        error that ended the relay or the consumers.
        """
        async with asyncio.timeout(seconds):
            await self.backend.opened.group.flush()
        await self._keep_house()
        due_by = None if retries else self.clock.now()
        settling = asyncio.create_task(settle(self.pool, self.settings.slot, seconds, due_by))
        await asyncio.wait([settling, *self.tasks], return_when=asyncio.FIRST_COMPLETED)
        if not settling.done():
            settling.cancel()
            for task in self.tasks:
                if task.done():
                    task.result()
        await settling

    async def _keep_house(self) -> None:
        """Do what the processes of a backend do at intervals, as far as it is due by the clock."""
        if self._is_due("housekeeping", EVERY_SECONDS):
            await clean(self.url, self.settings, self.clock)
        for chore in self.backend.declared.of(Chore):
            if self._is_due(chore.name, chore.seconds):
                await self.backend.opened.services.call(chore.run)

    def _is_due(self, name: str, seconds: float) -> bool:
        """Whether so many seconds have passed since it was done last. If so, it counts as done now."""
        now = self.clock.monotonic()
        due = now - self._done_at.get(name, self._began) >= seconds
        if due:
            self._done_at[name] = now
        return due


@asynccontextmanager
async def run_backend(
    backend: Backend, databases: Databases, settings: Settings, clock: Clock | None = None
) -> AsyncIterator[RunningBackend]:
    """Run `backend` on a database of its own until the context ends; the database is dropped then.

    Its files go to a temporary folder, unless `settings` name a store. It uses `clock`, as do `now` and `uuid7` in this
    context. What it logs as an error is written to standard error.
    """
    clock = clock or Clock()
    with TemporaryDirectory(prefix="headwater-objects-") as folder, follow(clock), showing_failures():
        settings = msgspec.structs.replace(settings, objects_url=settings.objects_url or f"file://{folder}")
        async with _run(backend, databases, settings, clock) as running:
            yield running


@asynccontextmanager
async def _run(
    backend: Backend, databases: Databases, settings: Settings, clock: Clock
) -> AsyncIterator[RunningBackend]:
    async with databases.database(backend.sources) as url:
        slot = urlsplit(url).path.removeprefix(
            "/"
        )  # slots belong to the whole server, so each is named after its database
        own = msgspec.structs.replace(settings, postgres_url=url, slot=slot)
        await prepare_log(url, own, backend.published)
        pool = await Pool.open(url, size=4, application_name="headwater test")
        running = RunningBackend(backend, own, pool, clock)
        stop = asyncio.Event()
        try:
            running.tasks = await _start(backend, own, clock, stop)
            try:
                yield running
            finally:
                stop.set()
                await asyncio.gather(*running.tasks)
                await backend.opened.http.stop()
        finally:
            await backend.close()
            await pool.close()


async def _start(backend: Backend, settings: Settings, clock: Clock, stop: asyncio.Event) -> list[asyncio.Task[None]]:
    """Open the backend and start relay and consumers; returns when they are ready."""
    url = settings.postgres_url
    assert url is not None
    await backend.open(settings, name="headwater test", clock=clock)
    relay_ready, consumers_ready = asyncio.Event(), asyncio.Event()
    consumers = run_consumers(
        url,
        backend.subscriptions,
        stop=stop,
        clock=clock,
        ready=consumers_ready.set,
        providers=backend.compiler.providers,
        services=backend.opened.services,
    )
    tasks = [
        asyncio.create_task(run_relay(url, settings, stop, ready=relay_ready.set), name="relay"),
        asyncio.create_task(consumers, name="consumers"),
    ]
    try:
        await backend.opened.http.start()
        await _until(tasks, relay_ready, consumers_ready)
    except BaseException:
        stop.set()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
    return tasks


async def _until(tasks: list[asyncio.Task[None]], *events: asyncio.Event) -> None:
    """Wait for all events; raises the error of a task that ends before."""
    waiting = asyncio.ensure_future(asyncio.gather(*(event.wait() for event in events)))
    either: list[asyncio.Future[Any]] = [waiting, *tasks]
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    if not waiting.done():
        waiting.cancel()
        for task in tasks:
            if task.done():
                task.result()
