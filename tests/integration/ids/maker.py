"""Makes ids as fast as it can and prints each, until it is killed; run by `test_workers`."""

import asyncio
import sys

from headwater.db import Pool
from headwater.ids import NoWorkerFree, Snowflakes


async def main(url: str, lease_seconds: float) -> None:
    pool = await Pool.open(url, size=1, application_name="id maker")
    ids = Snowflakes(pool, lease_seconds=lease_seconds)
    while True:
        try:
            print(*await ids.take(500), sep="\n", flush=True)
        except NoWorkerFree:
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.001)


asyncio.run(main(sys.argv[1], float(sys.argv[2])))
