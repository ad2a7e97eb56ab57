"""Committing as a part: what runs commands, and what commits the events of queries in groups."""

from collections.abc import AsyncIterator
from datetime import timedelta

from headwater.binding import Resource
from headwater.clock import Clock
from headwater.commit.committer import Committer
from headwater.commit.group import GroupCommit
from headwater.db.pools import Pools
from headwater.observe import Metrics
from headwater.part import Part
from headwater.settings import Settings


def committing() -> Part:
    """One transaction per command; one per group of events of queries."""
    return Part(
        "commit",
        Resource(kind=Committer, open=_open_committer),
        Resource(kind=GroupCommit, open=_open_group),
    )


def _open_committer(pools: Pools, settings: Settings, clock: Clock) -> Committer:
    return Committer(pools.writes, clock, keep=timedelta(hours=settings.idempotency_hours))


async def _open_group(committer: Committer, metrics: Metrics) -> AsyncIterator[GroupCommit]:
    group = GroupCommit(committer, metrics)
    try:
        yield group
    finally:
        await group.close()
