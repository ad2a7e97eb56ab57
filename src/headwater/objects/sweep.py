"""The sweeper: deletes the bytes of uploads that were not committed in time."""

from datetime import datetime
from typing import ClassVar, Final
from uuid import UUID

from headwater.commit import Committer, Origin
from headwater.objects.errors import ObjectsError
from headwater.objects.parts import prefix_of
from headwater.objects.store import Objects
from headwater.observe import Level, Occurrence, report

_CLAIM: Final = """
select id from headwater.upload where expires_at <= $1 order by expires_at limit 1 for update skip locked
"""
_DROP: Final = "delete from headwater.upload where id = $1"
_FORGET: Final = "delete from headwater.resumable where expires_at <= $1"
_ORIGIN: Final = Origin(app="headwater", command="sweep")


class SweepPostponed(Occurrence, frozen=True, kw_only=True):
    """The object storage was unreachable; the next run tries again."""

    level: ClassVar[Level] = "warning"
    reason: str


async def sweep(committer: Committer, objects: Objects, now: datetime) -> int:
    """Delete the uploads that have expired by `now`; returns how many there were.

    Each is locked while its bytes are deleted: a command that comes late waits and then finds it gone, and an upload
    that is being committed is skipped. Raises `DbError`; a store that fails is reported.
    """
    swept = 0
    try:
        while await _sweep_one(committer, objects, now):
            swept += 1
    except ObjectsError as error:
        report(SweepPostponed(reason=str(error)))
    async with committer.transaction(_ORIGIN) as tx:
        await tx.run(_FORGET, now)
    return swept


async def _sweep_one(committer: Committer, objects: Objects, now: datetime) -> bool:
    async with committer.transaction(_ORIGIN) as tx:
        id = await tx.maybe(UUID, _CLAIM, now)
        if id is None:
            return False
        await objects.delete_below(prefix_of(id))
        await tx.run(_DROP, id)
        return True
