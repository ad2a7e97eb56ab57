"""A process that emits without end, and prints each order once its event is committed; to be killed.

Run as ``python -m tests.integration.commit.talker URL``.
"""

import asyncio
import sys
from uuid import uuid4

from headwater.clock import SystemClock
from headwater.commit import Committer, Emitter, GroupCommit
from headwater.db import Pool
from tests.integration.commit.shop import KEEP, ORIGIN, OrderPlaced

VOICES = 20


async def talk(emitter: Emitter) -> None:
    while True:
        order = uuid4()
        await emitter.emit(OrderPlaced(order=order))
        print(order, flush=True)


async def main(url: str) -> None:
    pool = await Pool.open(url, application_name="talker")
    emitter = Emitter(GroupCommit(Committer(pool, keep=KEEP)), ORIGIN, SystemClock())
    await asyncio.gather(*(talk(emitter) for _ in range(VOICES)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
