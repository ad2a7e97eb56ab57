"""The world that a campaign breaks: one real PostgreSQL and the processes around it."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg

from headwater.db import migrate, platform_source
from headwater.engines import EmbeddedPostgres
from headwater.settings import Settings
from headwater.wal import prepare_log
from tests.crash.workload import KEYS

_CLUSTER = {"logical_decoding_work_mem": "64kB", "wal_sender_timeout": "4s", "max_connections": "120"}
_RESTART_PAUSE_SECONDS = 0.05


class Crew:
    """One role's process: started anew whenever it dies, each life with a plan of its own for its death."""

    def __init__(self, world: "World", name: str, arguments: Callable[[], list[str]]) -> None:
        self.name = name
        self.lives = 0
        self.last_words = ""
        self._world = world
        self._arguments = arguments
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._keeper = asyncio.create_task(self._keep_alive(), name=self.name)

    async def stop(self) -> None:
        """SIGTERM, then wait; a process that does not end is killed."""
        if self._keeper is not None:
            self._keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeper
        if self._process is not None and self._process.returncode is None:
            self.signal(signal.SIGCONT)
            self.signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(self._process.wait(), 10)
            except TimeoutError:
                self.signal(signal.SIGKILL)
                await self._process.wait()

    def signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)

    async def _keep_alive(self) -> None:
        while True:
            output = self._world.folder / f"{self.name}.log"
            with output.open("ab") as log:
                self._process = await asyncio.create_subprocess_exec(
                    sys.executable, "-m", "tests.crash.process", *self._arguments(), stdout=log, stderr=log,
                    env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
                )  # fmt: skip
            self.lives += 1
            await self._process.wait()
            self.last_words = output.read_text(errors="replace")[-2000:]
            await asyncio.sleep(_RESTART_PAUSE_SECONDS)


class World:
    """PostgreSQL with the log prepared and the truth's tables; ``async with World(folder) as world``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.postgres = EmbeddedPostgres(folder / "postgres", settings=_CLUSTER)
        self.crews: dict[str, Crew] = {}

    @property
    def url(self) -> str:
        return self.postgres.url

    async def __aenter__(self) -> "World":
        await self.postgres.start()
        await migrate(self.url, [platform_source()])
        connection = await self.connect()
        await connection.execute(Path(__file__).with_name("truth.sql").read_text())
        await connection.execute("insert into crash.key (key) select generate_series(0, $1::int)", KEYS - 1)
        await connection.close()
        await prepare_log(self.url, Settings(), {"crash.ledger": ()})
        return self

    async def __aexit__(self, *failure: Any) -> None:
        for crew in self.crews.values():
            await crew.stop()
        await self.postgres.stop()

    def hire(self, name: str, arguments: Callable[[], list[str]]) -> Crew:
        """Start a process and keep it alive; `arguments` is asked at each start."""
        crew = self.crews[name] = Crew(self, name, lambda: [*arguments(), "--url", self.url])
        crew.start()
        return crew

    async def connect(self) -> asyncpg.Connection:
        return await asyncpg.connect(self.url, timeout=10)

    async def execute(self, statement: str, *arguments: Any) -> None:
        """One statement over a connection of its own; PostgreSQL being away is part of the game."""
        with contextlib.suppress(OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            connection = await self.connect()
            try:
                await connection.execute(statement, *arguments)
            finally:
                connection.terminate()

    async def restart_postgres(self, ending: signal.Signals) -> None:
        """End the postmaster with this signal (SIGQUIT: immediate, SIGINT: fast, SIGKILL) and start it again."""
        ended = asyncio.create_task(self.postgres.wait())
        await asyncio.sleep(0)
        os.kill(self.postmaster, ending)
        await ended
        await self.postgres.stop()
        await self.postgres.start()

    @property
    def postmaster(self) -> int:
        return int((self.folder / "postgres" / "data" / "postmaster.pid").read_text().splitlines()[0])
