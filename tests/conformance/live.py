"""An app's backend as clients meet it: Granian on a port, on real engines, in a thread beside the test."""

import asyncio
import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import msgspec

from headwater.settings import Settings
from headwater.testing import serving
from headwater.testing.databases import Databases
from headwater.testing.plugin import new_runner
from headwater.testing.running import RunningBackend, run_backend
from tests.conformance.apps import AppCase

SECONDS = 60.0
SETTINGS = Settings(partitions=4, log_level="warning")


class Live(msgspec.Struct, frozen=True):
    """Where it is, and what header fields its requests need."""

    url: str
    headers: Mapping[str, str]


@contextmanager
def serve_app(case: AppCase, databases: Databases) -> Iterator[Live]:
    """Serve an app on a database of its own, with its demo data, its relay and its consumers."""
    started: queue.Queue[Live | BaseException] = queue.Queue()
    stop: list[Callable[[], Any]] = []

    async def run() -> None:
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        stop.append(lambda: loop.call_soon_threadsafe(ended.set))
        async with run_backend(case.load(), databases, SETTINGS) as running:
            await _seed(running)
            headers = await case.prepare(running)
            async with serving(running, settings=SETTINGS) as server:
                started.put(Live(server.url, headers))
                await ended.wait()

    def work() -> None:
        try:
            with new_runner() as runner:
                runner.run(run())
        except BaseException as error:
            started.put(error)
            raise

    thread = threading.Thread(target=work, name=f"live {case.name}")
    thread.start()
    try:
        found = started.get(timeout=SECONDS)
        if isinstance(found, BaseException):
            raise found
        yield found
    finally:
        if stop:
            stop[0]()
        thread.join(SECONDS)


async def _seed(running: RunningBackend) -> None:
    if running.backend.seed is not None:
        await running.seed()
