"""Databases for tests: one PostgreSQL for all of them, one database for each, cloned from a migrated template.

All names are unique to this object, so several of them can share one external PostgreSQL.
"""

import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from headwater.db import Source, migrate
from headwater.engines import EmbeddedPostgres

SETTINGS = {
    "synchronous_commit": "on",  # the walsender sends only flushed WAL; without this, it would wait for the WAL writer
    "shared_buffers": "64MB",
    "min_wal_size": "32MB",
    "max_wal_size": "512MB",
    "max_connections": "60",
    "wal_keep_size": "0",
    "autovacuum_naptime": "60s",
}


class Databases:
    """The databases of one test session.

    Without `url`, a PostgreSQL is started in a temporary folder, without durability. With it, that server is used; its
    user must be allowed to create databases and replication slots.
    """

    def __init__(self, url: str | None = None) -> None:
        self._url = url
        self._engine: EmbeddedPostgres | None = None
        self._folder: Path | None = None
        self._prefix = f"headwater_test_{secrets.token_hex(4)}"
        self._templates: dict[tuple[Source, ...], str] = {}
        self._count = 0

    async def start(self) -> None:
        """Start PostgreSQL, unless a URL was given."""
        if self._url is not None:
            return
        self._folder = Path(tempfile.mkdtemp(prefix="headwater-test-"))
        self._folder.chmod(0o711)  # the system user of the server must have access
        self._engine = EmbeddedPostgres(self._folder / "postgres", settings=SETTINGS, durable=False)
        await self._engine.start()
        self._url = self._engine.url

    async def stop(self) -> None:
        """Drop the templates, and stop what was started."""
        if self._engine is not None:
            await self._engine.stop()
        elif self._url is not None:
            for template in self._templates.values():
                await self._execute(f"drop database if exists {template} with (force)")
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    @asynccontextmanager
    async def database(self, sources: Sequence[Source]) -> AsyncIterator[str]:
        """The URL of a new database with the migrations of `sources` applied; it is dropped at the end."""
        template = await self._template(tuple(sources))
        name = self._next_name()
        # Copying files needs a checkpoint first, which is cheap only without durability.
        strategy = "wal_log" if self._engine is None else "file_copy"
        await self._execute(f"create database {name} template {template} strategy {strategy}")
        try:
            yield self.url_of(name)
        finally:
            await self._drop_slots(name)
            await self._execute(f"drop database {name} with (force)")

    def url_of(self, database: str) -> str:
        """The URL of `database` on the server."""
        assert self._url is not None, "start() comes first"
        return urlunsplit(urlsplit(self._url)._replace(path=f"/{database}"))

    async def _template(self, sources: tuple[Source, ...]) -> str:
        if sources not in self._templates:
            name = self._next_name()
            await self._execute(f"create database {name}")
            self._templates[sources] = name
            await migrate(self.url_of(name), sources)
        return self._templates[sources]

    async def _drop_slots(self, database: str) -> None:
        """Drop the slots, with which the database cannot be dropped; a relay that has just ended may still hold one."""
        async with self._connection(self.url_of(database)) as connection:
            await connection.execute(
                "select pg_terminate_backend(active_pid, 5000) from pg_replication_slots "
                "where database = $1 and active_pid is not null",
                database,
            )
            await connection.execute(
                "select pg_drop_replication_slot(slot_name) from pg_replication_slots where database = $1", database
            )

    async def _execute(self, statement: str) -> None:
        assert self._url is not None, "start() comes first"
        async with self._connection(self._url) as connection:
            await connection.execute(statement)

    @asynccontextmanager
    async def _connection(self, url: str) -> AsyncIterator[Any]:
        connection = await asyncpg.connect(url, server_settings={"application_name": "headwater testing"})
        try:
            yield connection
        finally:
            await connection.close()

    def _next_name(self) -> str:
        self._count += 1
        return f"{self._prefix}_{self._count}"
