"""Runs the chores and the processes of parts."""

import asyncio
from collections.abc import Coroutine
from typing import Any, ClassVar

from headwater.binding import Services
from headwater.clock import Clock
from headwater.observe import Level, Occurrence, report
from headwater.part import Declarations
from headwater.upkeep import Chore, Process


class ChoreDone(Occurrence, frozen=True, kw_only=True):
    """A chore has done something."""

    chore: str
    done: int


class ChoreFailed(Occurrence, frozen=True, kw_only=True):
    """A chore failed; it is retried at its next run."""

    level: ClassVar[Level] = "error"
    chore: str
    reason: str


async def run_chores(declared: Declarations, services: Services) -> None:
    """Run every chore at its own interval until cancelled; a failing chore does not affect the others."""
    async with asyncio.TaskGroup() as group:
        for chore in declared.of(Chore):
            group.create_task(_repeat(chore, services), name=f"chore {chore.name}")


def run_processes(declared: Declarations, services: Services, stop: asyncio.Event) -> list[Coroutine[Any, Any, None]]:
    """The processes of the parts as coroutines, to run concurrently in this process until `stop` is set."""
    given: dict[type, Any] = {asyncio.Event: stop}
    return [services.call(process.run, given) for process in declared.of(Process) for _ in range(process.count)]


async def _repeat(chore: Chore, services: Services) -> None:
    clock: Clock = services[Clock]  # type: ignore[type-abstract]
    while True:
        try:
            done = await services.call(chore.run)
        except Exception as error:
            report(ChoreFailed(chore=chore.name, reason=f"{type(error).__name__}: {error}"))
        else:
            if done:
                report(ChoreDone(chore=chore.name, done=done))
        await clock.sleep(chore.seconds)
