"""The reference shortener's database, with links to follow."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import asyncpg

from apps.links import backend
from headwater.testing import Databases

BACKEND = "apps.links:backend"
LINKS = 2000


@asynccontextmanager
async def links_database(databases: Databases) -> AsyncIterator[tuple[str, Sequence[str]]]:
    """Its URL, and the codes of the links in it."""
    codes = [f"link-{number}" for number in range(LINKS)]
    async with databases.database(backend.sources) as url:
        connection = await asyncpg.connect(url)
        await connection.execute(
            "insert into links.link (code, target, host) "
            "select code, 'https://example.com/' || code, 'example.com' from unnest($1::text[]) as code",
            codes,
        )
        await connection.execute("vacuum analyze links.link")
        await connection.close()
        yield url, codes
