"""Prepares the database before the first request: migrations, the log with its slot, and, once, the demo data."""

from datetime import timedelta

import msgspec

from headwater.backend import Backend
from headwater.commit import Committer, Origin
from headwater.db import Applied, Defined, Pool, migrate
from headwater.observe import Occurrence, report
from headwater.settings import Settings
from headwater.wal import prepare_log


class Prepared(msgspec.Struct, frozen=True):
    """What `prepare` did."""

    applied: list[Applied | Defined]
    """Migrations and files of stored functions."""
    planted: str | None
    """The text that the backend's seed returned; None if it ran before, or without a seed."""


class Planted(Occurrence, frozen=True, kw_only=True):
    """The demo data of a backend was written."""

    backend: str
    summary: str


async def prepare(backend: Backend, settings: Settings) -> Prepared:
    """Prepare the database at ``settings.postgres_url`` for `backend`; what exists already is not changed.

    Both phases of the migrations run, since no older release is running. The slot is created before the demo data is
    written, so its events are in the log like any other. Raises `DbError`, `LogError` (lost
    replication connections are among them), `NoReplicaIdentity` or what the seed raises.
    """
    assert settings.postgres_url is not None
    applied = await migrate(settings.postgres_url, backend.sources)
    await prepare_log(settings.postgres_url, settings, backend.published)
    return Prepared(applied, await plant(backend, settings.postgres_url))


_PLANT = "insert into headwater.seed (backend) values ($1) on conflict do nothing"


async def plant(backend: Backend, url: str) -> str | None:
    """Run the backend's seed unless it has run on this database, and record that in the same transaction."""
    if backend.seed is None:
        return None
    pool = await Pool.open(url, size=1, application_name="headwater seed", statement_timeout=600.0)
    try:
        async with Committer(pool, keep=timedelta()).transaction(Origin(app=backend.title, command="seed")) as tx:
            if not await tx.run(_PLANT, backend.title):
                return None
            summary = await backend.seed(tx) or "demo data loaded"
    finally:
        await pool.close()
    report(Planted(backend=backend.title, summary=summary))
    return summary
