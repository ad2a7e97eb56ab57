"""A PostgreSQL for a test session, a database per test, and what tests ask a database about itself."""

import asyncio
import itertools
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import asyncpg

from headwater.db import migrate, platform_source
from headwater.engines import EmbeddedPostgres
from headwater.testing import eventually

_numbers = itertools.count(1)


@contextmanager
def folder_for_servers() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="headwater-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def running_postgres() -> Iterator[str]:
    """The URL of a PostgreSQL whose database ``template_migrated`` has the platform's tables."""
    with folder_for_servers() as folder:
        engine = EmbeddedPostgres(folder / "postgres", durable=False)
        asyncio.run(engine.start())
        try:
            asyncio.run(execute(engine.url, "create database template_migrated"))
            asyncio.run(migrate(database_url(engine.url, "template_migrated"), [platform_source()]))
            yield engine.url
        finally:
            asyncio.run(engine.stop())


@contextmanager
def fresh_database(server: str, template: str = "template1") -> Iterator[str]:
    """The URL of a database that only this test has."""
    name = f"test_{next(_numbers)}"
    asyncio.run(execute(server, f"create database {name} template {template}"))
    try:
        yield database_url(server, name)
    finally:
        asyncio.run(execute(server, f"drop database {name} with (force)"))


def database_url(server: str, name: str) -> str:
    return server.replace("/headwater?", f"/{name}?")


async def execute(url: str, *statements: str) -> None:
    async with connected(url) as connection:
        for statement in statements:
            await connection.execute(statement)


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection of the test's own, beside those under test."""
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


async def value(url: str, sql: str, *args: object) -> object:
    async with connected(url) as connection:
        return await connection.fetchval(sql, *args)


async def wait_for_row(watch: asyncpg.Connection, sql: str, *args: object) -> asyncpg.Record:
    """The first row that the query has, once it has one."""
    return await eventually(lambda: watch.fetchrow(sql, *args), lambda row: row is not None, what=sql)


BLOCKED = "select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
"""Backends of this database that wait for a lock."""
