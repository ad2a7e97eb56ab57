"""A Headwater in a process of its own, to be killed, and the questions that the tests ask."""

import asyncio
import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from headwater.engines import EmbeddedPostgres
from headwater.engines.leftover import has_ended
from headwater.testing import eventually

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give itself up")

BACKEND = textwrap.dedent(
    """
    import asyncio, json, signal, sys
    from pathlib import Path
    from headwater.engines import EmbeddedPostgres, EmbeddedValkey, EngineError, Engines

    home, options = Path(sys.argv[1]), json.loads(sys.argv[2])
    if options.get("programs"):
        from headwater.engines import programs
        programs._package_folder = lambda module, package, variable: Path(options["programs"], module)
    if options.get("undying"):  # what a supervisor leaves behind when the kernel does not tell its servers
        EmbeddedPostgres.death_signal = EmbeddedValkey.death_signal = signal.SIGCONT

    async def main():
        engines = Engines(
            postgres=EmbeddedPostgres(home / "postgres", durable=False), valkey=EmbeddedValkey(home / "valkey")
        )
        try:
            await engines.start()
        except EngineError as error:
            print(json.dumps({"error": type(error).__name__, "message": str(error)}), flush=True)
            return
        print(json.dumps({engine.name: engine.statistics()["pid"] for engine in engines}), flush=True)
        if not options.get("brief"):
            await asyncio.Event().wait()
        await engines.stop()

    asyncio.run(main())
    """
)


class BackendProcess:
    """A process that runs both engines in `home`; its first line says with which pids, or why not."""

    def __init__(self, home: Path, *, prefix: tuple[str, ...] = (), **options: Any) -> None:
        self._process = subprocess.Popen(
            [*prefix, sys.executable, "-c", BACKEND, str(home), json.dumps(options)], stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        self.said: dict[str, Any] = json.loads(self._process.stdout.readline())

    def kill(self) -> None:
        self._process.kill()
        self.wait()

    def wait(self) -> None:
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()


opened: list[EmbeddedPostgres] = []
"""What a failing test may have left running."""


def durable(folder: Path, **settings: str) -> EmbeddedPostgres:
    opened.append(EmbeddedPostgres(folder, settings=settings))
    return opened[-1]


def forgetful(folder: Path, **settings: str) -> EmbeddedPostgres:
    """What the test kit uses: quick, and safe only as long as the machine stays up."""
    opened.append(EmbeddedPostgres(folder, settings=settings, durable=False))
    return opened[-1]


def open_folder() -> Iterator[Path]:
    """A short path that any user may enter (pytest's own folders are closed to all but the caller)."""
    path = Path(tempfile.mkdtemp(prefix="hw-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


async def execute(url: str, *statements: str) -> None:
    async with connected(url) as connection:
        for statement in statements:
            await connection.execute(statement)


async def fetch(url: str, question: str) -> Any:
    async with connected(url) as connection:
        return await connection.fetchval(question)


def is_server(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/exe").readlink().name in ("postgres", "valkey-server")
    except OSError:
        return False


async def fetch_from(engine: EmbeddedPostgres, question: str = "select text from kept") -> Any:
    """What `question` gives on `engine`, which runs for no longer than that takes."""
    await engine.start()
    try:
        return await fetch(engine.url, question)
    finally:
        await engine.stop()


async def wait_true(url: str, question: str) -> None:
    await eventually(lambda: fetch(url, question), what=question)


def is_alive(pid: int) -> bool:
    return not has_ended(pid)


def wait_ended(pid: int) -> None:
    """Return once the process `pid`, which need not be a child, has ended."""
    asyncio.run(eventually(lambda: has_ended(pid), what=f"the end of process {pid}"))


def user_exists(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True
