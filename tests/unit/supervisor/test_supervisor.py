"""A supervisor that is cancelled while it starts. The start waits for a child of an earlier run, which never ends."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from headwater.settings import Settings
from headwater.supervisor.collector import LogCollector
from headwater.supervisor.home import Home
from headwater.supervisor.stop import Stop
from headwater.supervisor.supervisor import ProcessPlan, Supervisor
from headwater.testing import eventually


@asynccontextmanager
async def starting(folder: Path, stop: Stop) -> AsyncIterator[tuple[asyncio.Task[None], asyncio.Task[None]]]:
    """A supervisor that runs, and its task that starts everything, which is under way."""
    earlier = Home(folder)
    child = os.dup(await earlier.take())
    earlier.leave()
    supervisor = Supervisor(ProcessPlan(backend="a:b", stages=[]), Settings(home=folder), LogCollector(None))
    running = asyncio.create_task(supervisor.run(stop))
    try:
        await eventually(lambda: bool(_tasks("start")))
        yield running, _tasks("start")[0]
    finally:
        os.close(child)


def _tasks(name: str) -> list[asyncio.Task[None]]:
    return [task for task in asyncio.all_tasks() if task.get_name() == name]


async def test_a_stop_while_it_starts_ends_the_start(tmp_path: Path) -> None:
    stop = Stop()
    async with starting(tmp_path, stop) as (running, start):
        stop.ask()
        await running
        assert start.cancelled()


async def test_cancelling_it_while_it_starts_ends_the_start_as_well(tmp_path: Path) -> None:
    async with starting(tmp_path, Stop()) as (running, start):
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert start.cancelled()


async def test_cancelling_it_while_the_start_ends_is_not_swallowed(tmp_path: Path) -> None:
    stop = Stop()
    async with starting(tmp_path, stop) as (running, start):
        start.add_done_callback(lambda _: running.cancel())
        stop.ask()
        with pytest.raises(asyncio.CancelledError):
            await running
