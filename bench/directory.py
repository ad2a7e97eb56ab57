"""The reference directory's database, with as many people as a row asks for."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import asyncpg

from apps.directory import backend
from apps.directory.load import load_people
from headwater.commit import Committer, Origin
from headwater.db import Pool
from headwater.settings import Settings
from headwater.testing import Client, Databases

BACKEND = "apps.directory:backend"


@asynccontextmanager
async def directory_database(databases: Databases, people: int) -> AsyncIterator[str]:
    """Its URL."""
    async with databases.database(backend.sources) as url:
        pool = await Pool.open(url, size=1, application_name="bench", statement_timeout=0)
        async with Committer(pool, keep=timedelta()).transaction(Origin(app="bench", command="load")) as tx:
            await load_people(tx, people)
        await pool.close()
        connection = await asyncpg.connect(url)
        await connection.execute("vacuum directory.person")  # hint bits and visibility, as after a while
        await connection.close()
        yield url


async def cursors_at(url: str, path: str, depth: int, count: int, step: int = 100) -> list[str]:
    """The cursors of `count` pages of `step` behind `depth` rows: got by walking there, for there is no other way."""
    found: list[str] = []
    await backend.open(Settings(postgres_url=url, log_level="error"))
    try:
        client, cursor = Client(backend.opened.http), ""
        for page in range(depth // step + count):
            if page >= depth // step:
                found.append(cursor)
            listed = (
                await client.get(f"{path}&limit={step}&fields=id" + (f"&cursor={cursor}" if cursor else ""))
            ).json()
            cursor = listed["next"]
    finally:
        await backend.close()
    return found
