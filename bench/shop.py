"""The reference app's database, migrated and with its demo data, for whoever reads or orders."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg

from apps.shop import backend
from headwater.supervisor.prepare import plant
from headwater.testing import Databases

BACKEND = "apps.shop:backend"


@asynccontextmanager
async def shop_database(databases: Databases) -> AsyncIterator[tuple[str, Sequence[UUID]]]:
    """Its URL, and the products in it."""
    async with databases.database(backend.sources) as url:
        await plant(backend, url)
        connection = await asyncpg.connect(url)
        # As the vacuum would leave it after a while; the first readers should not have to set hint bits.
        await connection.execute("vacuum analyze shop.product")
        products = [row["id"] for row in await connection.fetch("select id from shop.product order by id")]
        await connection.close()
        yield url, products
