"""Housekeeping: deletes expired data. The relay's process does it, because there is one per database."""

from datetime import timedelta
from typing import ClassVar

from headwater.clock import Clock, SystemClock
from headwater.commit import Committer
from headwater.db import DbError, Pool
from headwater.log import drop_old_segments
from headwater.objects import Objects, location_of
from headwater.objects.sweep import sweep
from headwater.observe import Level, Occurrence, report
from headwater.settings import Settings

EVERY_SECONDS = 600.0


class HouseKept(Occurrence, frozen=True, kw_only=True):
    """Expired data was deleted."""

    segments: list[str]
    responses: int
    """Stored responses of commands."""
    uploads: int
    """Uploads that no command had kept."""


class HousekeepingPostponed(Occurrence, frozen=True, kw_only=True):
    """PostgreSQL was unreachable or refused a statement; retrying at the next run."""

    level: ClassVar[Level] = "warning"
    reason: str


async def keep_house(
    url: str, settings: Settings, *, every_seconds: float = EVERY_SECONDS, clock: Clock | None = None
) -> None:
    """Clean up at intervals, until cancelled. A failure of PostgreSQL only postpones it."""
    clock = clock or SystemClock()
    while True:
        try:
            await clean(url, settings, clock)
        except DbError as error:
            report(HousekeepingPostponed(reason=str(error)))
        await clock.sleep(every_seconds)


async def clean(url: str, settings: Settings, clock: Clock | None = None) -> None:
    """Delete segments of the log, stored responses and uploads that are older than the settings keep them.

    The age of a segment is measured by PostgreSQL's clock, which also dated it, so a machine with a wrong clock does
    not drop the log. Raises `DbError`.
    """
    clock = clock or SystemClock()
    pool = await Pool.open(url, size=1, application_name="headwater housekeeping", statement_timeout=0)
    try:
        async with pool.acquire() as connection:
            segments = await drop_old_segments(connection, timedelta(hours=settings.retention_hours))
        committer = Committer(pool, clock, keep=timedelta(hours=settings.idempotency_hours))
        responses = await committer.purge()
        uploads = await sweep(committer, Objects(location_of(settings)), clock.now())
    finally:
        await pool.close()
    if segments or responses or uploads:
        names = [segment.name for segment in segments]
        report(HouseKept(segments=names, responses=responses, uploads=uploads))
