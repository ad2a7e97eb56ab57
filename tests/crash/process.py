"""A process of the campaign: a relay, a consumer, the writers or the observer, to be killed.

``python -m tests.crash.process ROLE --url … [--plant BUG] [--kill STEP:COUNT]``: with `--kill` it kills itself with
SIGKILL when it reaches that step for the COUNT-th time, which no clean-up can soften.
"""

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Callable

import uvloop

from headwater.observe import subscribe
from headwater.settings import Settings
from headwater.wal import run_relay
from tests.crash.effects import consume_until
from tests.crash.observer import observe_until
from tests.crash.planted import PLANTED
from tests.crash.workload import write_until


def main() -> None:
    """Run one role until SIGTERM."""
    parser = argparse.ArgumentParser()
    parser.add_argument("role", choices=["relay", "consumer", "writers", "observer"])
    parser.add_argument("--url", required=True)
    parser.add_argument("--plant", choices=sorted(PLANTED), default="none")
    parser.add_argument("--kill", default="")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--worker", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1)
    asked = parser.parse_args()
    PLANTED[asked.plant]()
    subscribe(lambda occurrence: print(occurrence, file=sys.stderr))
    uvloop.run(_play(asked))


async def _play(asked: argparse.Namespace) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    settings = Settings()
    match asked.role:
        case "relay":
            await run_relay(asked.url, settings, stop, step=_killer(asked.kill))
        case "consumer":
            await consume_until(asked.url, stop, step=_killer(asked.kill), worker=asked.worker, workers=asked.workers)
        case "writers":
            await write_until(asked.url, stop, writers=4, seed=asked.seed)
        case "observer":
            await observe_until(asked.url, settings.slot, stop)


def _killer(plan: str) -> Callable[[str], None]:
    """Counts steps down and kills this very process at the last."""
    step, _, count = plan.partition(":")
    left = int(count or 0)

    def count_down(name: str) -> None:
        nonlocal left
        if name == step:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    return count_down


if __name__ == "__main__":
    main()
