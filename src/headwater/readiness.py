"""Readiness: whether PostgreSQL and the parts of a backend can serve requests now."""

import asyncio
from collections.abc import Sequence
from typing import ClassVar, Final

from headwater.binding import Services
from headwater.binding.signature import location_of
from headwater.db import Db, DbError, Source, pending
from headwater.log import CAN_CONTINUE
from headwater.observe import Level, Occurrence, report
from headwater.part import Declarations
from headwater.settings import Settings
from headwater.upkeep import Check

CHECK_SECONDS: Final = 5.0
"""A check that takes longer counts as a reason: a probe must get a response."""


class CheckFailed(Occurrence, frozen=True, kw_only=True):
    """A readiness check raised an exception or took too long, so the backend is not ready."""

    level: ClassVar[Level] = "error"
    check: str
    reason: str


class Readiness:
    """Asks PostgreSQL and every `Check`. Reasons are missing migrations, a lost replication slot, and those of the
    parts.

    Migrations are not reverted while a release runs, so once none is missing they are not checked again.
    """

    def __init__(self, declared: Declarations, sources: Sequence[Source], services: Services) -> None:
        self._checks = declared.of(Check)
        self._sources = tuple(sources)
        self._services = services
        self._migrated = False

    async def __call__(self) -> list[str]:
        """The reasons, as text for people; none when requests can be served."""
        reasons = await self._ask_database()
        for found in await asyncio.gather(*(self._ask(check) for check in self._checks)):
            reasons += found
        return reasons

    async def _ask(self, check: Check) -> Sequence[str]:
        try:
            async with asyncio.timeout(CHECK_SECONDS) as limit:
                found: Sequence[str] = await self._services.call(check.reasons)
                return found
        except Exception as error:
            reason = f"no response in {CHECK_SECONDS:g} s" if limit.expired() else f"{type(error).__name__}: {error}"
            report(CheckFailed(check=location_of(check.reasons), reason=reason))
            return ["a check failed; the log has the reason"]

    async def _ask_database(self) -> list[str]:
        settings = self._services[Settings]
        try:
            if not self._migrated:
                missing = await pending(settings.postgres_url or "", self._sources, phases=("expand",))
                if missing:
                    return [f"{len(missing)} migrations are not applied, the first is {missing[0].path.name}"]
                self._migrated = True
            if not await self._services[Db].one(bool, CAN_CONTINUE, settings.slot):
                return [f"the replication slot {settings.slot!r} is gone or lost; see `headwater log reconcile`"]
        except DbError as error:
            return [self._without_folders(str(error))]
        return []

    def _without_folders(self, reason: str) -> str:
        """The reason without the paths of files: the response is public."""
        for source in self._sources:
            for folder in (source.folder, *source.function_folders):
                reason = reason.replace(f"{folder}/", "")
        return reason
