"""The finding about the schema: whether migrations and functions are those of this release."""

from collections.abc import Sequence

from headwater.db.errors import DbError, Unavailable
from headwater.db.migration import is_migrated, newer_functions, pending
from headwater.db.source import Source
from headwater.engines import Finding

_WANTED = "the migrations and stored functions of this release"


async def examine_schema(url: str, sources: Sequence[Source]) -> list[Finding]:
    """No finding for a database that was never migrated, or for an unreachable one, which has its own finding."""
    try:
        if not await is_migrated(url):
            return []
        missing = [file.path.name for file in await pending(url, sources, phases=("expand",))]
        newer = [each.label for each in await newer_functions(url, sources)]
    except Unavailable:
        return []
    except DbError as error:
        return [Finding(ok=False, subject="schema headwater", found=str(error), wanted=_WANTED)]
    return [_applied(missing), *([_overtaken(newer)] if newer else [])]


def _applied(missing: list[str]) -> Finding:
    if not missing:
        return Finding(ok=True, subject="schema headwater", found="up to date", wanted=_WANTED)
    found = f"{len(missing)} files are not applied, the first is {missing[0]}"
    return Finding(ok=False, subject="schema headwater", found=found, wanted=_WANTED, remedy="headwater migrate")


def _overtaken(newer: list[str]) -> Finding:
    found = f"of a newer release, which serve this one too: {'; '.join(newer)}"
    return Finding(ok=True, subject="stored functions", found=found, wanted=_WANTED)
