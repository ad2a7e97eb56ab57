"""Folders that a server's user may enter, a cluster to copy, and a Headwater in a process of its own to kill."""

import asyncio
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from headwater.engines import EmbeddedPostgres, Engines, open_engines
from headwater.settings import Settings
from tests.integration.engines.harness import BackendProcess, execute, forgetful, is_server, open_folder, opened


@pytest.fixture
def home() -> Iterator[Path]:
    for folder in open_folder():
        yield folder
        for engine in opened:
            asyncio.run(engine.stop())
        opened.clear()


@pytest.fixture(scope="session")
def template() -> Iterator[Path]:
    """A stopped cluster with a table of one row, to be copied instead of made."""
    for folder in open_folder():
        asyncio.run(_make_template(forgetful(folder / "postgres")))
        yield folder / "postgres"


@pytest.fixture
def folder(home: Path, template: Path) -> Path:
    """The folder of a PostgreSQL that has been started and stopped before; its table `kept` has the text 'row'."""
    subprocess.run(["cp", "-a", "--reflink=auto", template, home / "postgres"], check=True)
    return home / "postgres"


@pytest.fixture(scope="session")
def settings() -> Iterator[Settings]:
    for folder in open_folder():
        yield Settings(home=folder / "home", wal_budget_mb=512)


@pytest.fixture(scope="session")
def engines(settings: Settings) -> Iterator[Engines]:
    """Both engines as the product runs them, shared by all tests that only look at them."""
    pair = open_engines(settings)
    asyncio.run(pair.start())
    try:
        yield pair
    finally:
        asyncio.run(pair.stop())


@pytest.fixture
def backend() -> Iterator[Callable[..., BackendProcess]]:
    """Start a `BackendProcess`; what it leaves behind is killed."""
    started: list[BackendProcess] = []

    def start(home: Path, **options: Any) -> BackendProcess:
        started.append(BackendProcess(home, **options))
        return started[-1]

    yield start
    for each in started:
        each.kill()
        for pid in (each.said.get("postgres"), each.said.get("valkey")):
            if pid is not None and is_server(pid):
                os.kill(pid, signal.SIGKILL)


async def _make_template(engine: EmbeddedPostgres) -> None:
    await engine.start()
    await execute(engine.url, "create table kept (text text)", "insert into kept values ('row')")
    await engine.stop()
