"""One PostgreSQL for all tests of this folder, and one for each test that restarts or breaks its own."""

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from headwater.engines import EmbeddedPostgres
from tests.integration.wal.harness import folder_for_servers, make_template, new_server


@pytest.fixture(scope="session")
def template_server() -> Iterator[Path]:
    """The folder of a stopped server whose database ``migrated`` has the platform's tables."""
    with folder_for_servers() as folder:
        asyncio.run(_prepare(new_server(folder)))
        yield folder


@pytest.fixture(scope="session")
def server(template_server: Path) -> Iterator[str]:
    """The URL of a server that tests share; each has a database of its own there."""
    with folder_for_servers() as folder:
        engine = _copy(template_server, folder)
        asyncio.run(engine.start())
        try:
            yield engine.url
        finally:
            asyncio.run(engine.stop())


@pytest.fixture
def own_server(template_server: Path) -> Iterator[EmbeddedPostgres]:
    """A server that the test starts, and may do with as it likes."""
    with folder_for_servers() as folder:
        engine = _copy(template_server, folder)
        yield engine
        asyncio.run(engine.stop())


def _copy(template: Path, folder: Path) -> EmbeddedPostgres:
    subprocess.run(["cp", "-a", "--reflink=auto", template / "postgres", folder / "postgres"], check=True)
    return new_server(folder)


async def _prepare(engine: EmbeddedPostgres) -> None:
    await engine.start()
    await make_template(engine.url)
    await engine.stop()
