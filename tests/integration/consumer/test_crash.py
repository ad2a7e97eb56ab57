"""kill -9 of a worker at every step of a transaction: no event is lost, none repeated, none overtakes another."""

import asyncio
import random
import signal
import sys
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest

from headwater.testing import Databases
from tests.integration.consumer.harness import WAIT_SECONDS, Happened, World, world
from tests.integration.consumer.victim import LEDGER

STEPS = [
    "claimed",
    "inside a handler",
    "effects done",
    "watermark moved",
    "committed",
    "failed alone",
    "set aside",
    "retry claimed",
    "retry effects done",
    "retry dequeued",
    "retry committed",
    "retry failed",
    "postponed",
]

KEYS = 6
EACH = 8
RACES_OF_A_PROOF = 30


@pytest.mark.parametrize("step", STEPS)
async def test_a_worker_killed_at_any_step_leaves_nothing_half_done(headwater_databases: Databases, step: str) -> None:
    async with world(headwater_databases, partitions=2) as here:
        for number in range(EACH):
            await here.log.append(*(_event(key, number) for key in range(KEYS)))
        async with victim(here, "0", "1", step, "2") as process:
            assert await _exit(process) == -signal.SIGKILL
        async with here.worker(LEDGER):
            await here.settled()
        assert _expected() == await here.applied()
        assert await here.count("headwater.queued") + await here.count("headwater.retry") == 0


@pytest.mark.campaign
async def test_workers_that_race_and_are_killed_at_any_time_apply_everything_once(
    headwater_databases: Databases, proof: bool
) -> None:
    seed = random.randrange(1 << 32)
    for race in range(seed, seed + (RACES_OF_A_PROOF if proof else 1)):
        await _race(headwater_databases, race)


async def _race(headwater_databases: Databases, seed: int) -> None:
    chance = random.Random(seed)
    async with world(headwater_databases, partitions=4) as here:
        for number in range(EACH):
            await here.log.append(*(_event(key, number) for key in range(KEYS)))
        for _ in range(3):
            steps = chance.choices(STEPS, k=2)
            async with (
                victim(here, "0", "2", steps[0], str(chance.randint(1, 4))) as first,
                victim(here, "1", "2", steps[1], str(chance.randint(1, 4))) as second,
            ):
                await _first_of(first.wait(), second.wait(), _all_applied(here))
        async with here.worker(LEDGER):
            await here.settled()
        assert _expected() == await here.applied(), f"seed {seed}"


async def test_a_worker_that_was_frozen_goes_on_from_what_another_did_meanwhile(
    headwater_databases: Databases,
) -> None:
    async with world(headwater_databases, partitions=2) as here:
        async with victim(here, "0", "1") as process:
            assert process.stdout is not None
            assert await process.stdout.readline() == b"ready\n"
            process.send_signal(signal.SIGSTOP)
            await here.log.append(*(_event(key, 0) for key in range(KEYS)))
            async with here.worker(LEDGER):
                await here.settled()
                process.send_signal(signal.SIGCONT)
                await here.log.append(*(_event(key, 1) for key in range(KEYS)))
                await here.settled()
        assert {f"key-{key}": [0, 1] for key in range(KEYS)} == await here.applied()


@asynccontextmanager
async def victim(here: World, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A worker process; whatever becomes of it, it is gone at the end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.integration.consumer.victim",
        here.url,
        *arguments,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def _event(key: int, number: int) -> Happened:
    """Each key has an event that fails once, and one that fails twice."""
    return Happened(key=f"key-{key}", number=number, does={2: "1", 5: "2"}.get(number, ""))


def _expected() -> dict[str, list[int]]:
    return {f"key-{key}": list(range(EACH)) for key in range(KEYS)}


async def _exit(process: asyncio.subprocess.Process) -> int:
    async with asyncio.timeout(WAIT_SECONDS):
        return await process.wait()


async def _all_applied(here: World) -> None:
    """A step that comes only with work may not come any more."""
    await here.wait_for("select count(*) = $1 from ledger", KEYS * EACH)


async def _first_of(*waiting: Coroutine[Any, Any, Any]) -> None:
    tasks = [asyncio.create_task(each) for each in waiting]
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
