"""The connection pools of a process, and reads over them, as resources."""

from collections.abc import AsyncIterator
from typing import NamedTuple

from headwater.binding import Parameter, Resource, Site
from headwater.db.db import Db
from headwater.db.errors import DbError
from headwater.db.pool import Pool
from headwater.part import Part
from headwater.settings import Settings
from headwater.types import ProcessName


class EngineUnnamed(DbError):
    """HEADWATER_POSTGRES_URL is not set. `headwater up` starts an embedded PostgreSQL; a backend that runs otherwise
    needs the URL of one."""


class Pools(NamedTuple):
    """A pool of read-only connections, and one of writing connections."""

    reads: Pool
    writes: Pool


def database() -> Part:
    """The database, as handlers read from it."""
    return Part(
        "database",
        Resource(kind=Pools, open=open_pools),
        Resource(kind=Db, open=_open_db, check=_check_place, waits_for=frozenset({"reads"}), statuses=(404,)),
    )


async def open_pools(settings: Settings, process: ProcessName) -> AsyncIterator[Pools]:
    """Open the pools; `process` is the application name in ``pg_stat_activity``. Raises `Unavailable`."""
    if settings.postgres_url is None:
        raise EngineUnnamed
    reads = await Pool.open(settings.postgres_url, read_only=True, application_name=f"{process} reads")
    try:
        writes = await Pool.open(settings.postgres_url, application_name=f"{process} writes")
        try:
            yield Pools(reads, writes)
        finally:
            await writes.close()
    finally:
        await reads.close()


def _open_db(pools: Pools) -> Db:
    return Db(pools.reads)


def _check_place(site: Site, parameter: Parameter) -> None:
    if site.subject.writes:
        site.misplaced(parameter, "it would not see what the command writes", "Read with the `tx: Tx`.")
