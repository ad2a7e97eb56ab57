"""Routes on a real PostgreSQL, as one worker serves them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from headwater.binding import Services
from headwater.clock import Clock, SystemClock
from headwater.commit import Committer
from headwater.db import Db, Pool
from headwater.http import Compiler, HttpApp, Route
from headwater.observe import Metrics
from headwater.part import Declarations
from headwater.parts import platform_parts
from headwater.settings import Settings
from headwater.testing.client import Client


@asynccontextmanager
async def serving(url: str, routes: Sequence[Route]) -> AsyncIterator[Client]:
    """A client of these routes, which read and write the database at `url`."""
    reads = await Pool.open(url, read_only=True, application_name="test reads")
    writes = await Pool.open(url, application_name="test writes")
    given = {
        Settings: Settings(log_level="error"),
        Metrics: Metrics(),
        Clock: SystemClock(),
        Db: Db(reads),
        Committer: Committer(writes, keep=timedelta(hours=1)),
    }
    try:
        async with Client(HttpApp(routes, Compiler(Declarations(platform_parts())), Services((), given))) as client:
            yield client
    finally:
        await reads.close()
        await writes.close()
