"""A process that executes one command and stops before and after each step, to be killed there.

Run as ``python -m tests.integration.commit.victim URL``. It prints the name of each point that it reaches and waits
for a line before it goes on.
"""

import asyncio
import sys
from typing import Any

from headwater.commit import Committer, Stored, Tx
from headwater.db import Connection, Pool
from tests.integration.commit.shop import KEEP, PlaceOrder, key, once


def reach(point: str) -> None:
    print(point, flush=True)
    sys.stdin.readline()


def stop_around_messages() -> None:
    """Every message that the committer sends of its own is a step."""
    send = Connection.execute

    async def execute(self: Connection, sql: str, *args: Any, **options: Any) -> Any:
        step = {"begin": "claim", "execute": "finish"}.get(sql.split()[0])
        if step is None:
            return await send(self, sql, *args, **options)
        reach(f"before {step}")
        result = await send(self, sql, *args, **options)
        reach(f"after {step}")
        return result

    Connection.execute = execute


async def work(tx: Tx) -> Stored:
    answer = await PlaceOrder()(tx)
    reach("after work")
    return answer


async def main(url: str) -> None:
    pool = await Pool.open(url, application_name="victim")
    stop_around_messages()
    outcome = await once(Committer(pool, keep=KEEP), work, key("one"))
    reach(f"answered {outcome.answer.body.decode()}")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
