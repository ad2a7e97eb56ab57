"""A running backend inside a test: served in process, with its relay and consumers as tasks beside the test."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import msgspec

from headwater.app import Backend
from headwater.clock import SystemClock
from headwater.commit import Origin, Tx
from headwater.consumer import run_consumers
from headwater.db import Db, Pool
from headwater.settings import Settings
from headwater.testing.client import Client
from headwater.testing.databases import Databases
from headwater.testing.settle import settle
from headwater.wal import prepare_log, run_relay

SETTLE_SECONDS = 20.0


class RunningBackend:
    """What the fixture `backend` is."""

    def __init__(self, backend: Backend, settings: Settings, client: Client, pool: Pool) -> None:
        self.backend = backend
        self.settings = settings
        self.client = client
        """Makes requests to the backend, in this process."""
        self.pool = pool
        """Raw connections that may write: ``async with backend.pool.acquire() as connection``."""
        self.db = Db(pool)
        """Reads, as a query has them."""
        self._tasks: dict[str, asyncio.Task[None]] = {}

    @property
    def url(self) -> str:
        """The URL of this test's database."""
        assert self.settings.postgres_url is not None
        return self.settings.postgres_url

    async def settle(self, seconds: float = SETTLE_SECONDS) -> None:
        """Return once every consumer has applied everything that was committed, and what it committed itself.

        Raises `KeysParked` with the causes if a handler failed for good, `NotSettled` after `seconds`, and whatever
        ended the relay or the consumers.
        """
        settling = asyncio.create_task(settle(self.pool, self.settings.slot, seconds))
        await asyncio.wait([settling, *self._tasks.values()], return_when=asyncio.FIRST_COMPLETED)
        if not settling.done():
            settling.cancel()
            self._raise_what_ended()
        await settling

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Tx]:
        """A transaction as a command has it, to prepare what a test needs, events included."""
        async with self.backend.opened.committer.transaction(Origin(app="testing", command="test")) as tx:
            yield tx

    async def seed(self) -> None:
        """Run the backend's own seed."""
        assert self.backend.seed is not None, "this backend has no seed"
        async with self.transaction() as tx:
            await self.backend.seed(tx)

    def run(self, name: str, work: Awaitable[None]) -> None: ...
