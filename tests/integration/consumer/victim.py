"""A consumer worker in a process of its own, to be killed.

``python -m tests.integration.consumer.victim URL WORKER WORKERS [STEP COUNT]``: it kills itself with SIGKILL at the
COUNT-th time that it reaches STEP. Its handler writes the ledger, and fails an event as often as the event says.
"""

import asyncio
import os
import signal
import sys

import uvloop

from headwater.backoff import Backoff
from headwater.commit import Tx
from headwater.consumer import Delivery, Subscription, run_consumers
from tests.integration.consumer.harness import QUICK, Happened, write_down


async def handle(tx: Tx, event: Happened, delivery: Delivery) -> None:
    await write_down(tx, event, attempt=delivery.attempt)
    reached("inside a handler")
    if event.does and delivery.attempt <= int(event.does):
        raise ValueError(f"attempt {delivery.attempt}")


LEDGER = Subscription(
    name="test.ledger", app="test", events=(Happened,), handler=handle, backoff=Backoff(first=0.0, most=0.0)
)

_kill: tuple[str, int] | None = None
_times = 0


def reached(step: str) -> None:
    """Die here, if this is the place."""
    global _times
    if _kill is not None and _kill[0] == step:
        _times += 1
        if _times == _kill[1]:
            os.kill(os.getpid(), signal.SIGKILL)


async def work(url: str, worker: int, workers: int) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await run_consumers(
        url,
        [LEDGER],
        worker=worker,
        workers=workers,
        stop=stop,
        limits=QUICK,
        step=reached,
        ready=lambda: print("ready", flush=True),
    )


if __name__ == "__main__":
    url, worker, workers, *rest = sys.argv[1:]
    if rest:
        _kill = rest[0], int(rest[1])
    uvloop.run(work(url, int(worker), int(workers)))
