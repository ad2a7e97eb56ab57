"""Routes on a real PostgreSQL, as one worker serves them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from headwater.commit import Committer
from headwater.db import Db, Pool
from headwater.http import HttpApp, Resources, Route
from headwater.settings import Settings
from headwater.testing.client import Client


@asynccontextmanager
async def serving(url: str, routes: Sequence[Route]) -> AsyncIterator[Client]:
    """A client of these routes, which read and write the database at `url`."""
    reads = await Pool.open(url, read_only=True, application_name="test reads")
    writes = await Pool.open(url, application_name="test writes")
    resources = Resources(db=Db(reads), committer=Committer(writes, keep=timedelta(hours=1)))
    try:
        async with Client(HttpApp(routes, resources, Settings(log_level="error"))) as client:
            yield client
    finally:
        await reads.close()
        await writes.close()
