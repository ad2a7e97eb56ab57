"""Chores and processes of parts: what is done once per database, and what goes on for as long as a backend runs."""

import asyncio
from collections.abc import Coroutine
from typing import Any, ClassVar

from headwater.binding import Services
from headwater.clock import Clock
from headwater.observe import Level, Occurrence, report
from headwater.part import Declared
from headwater.upkeep import Chore, Process


class ChoreDone(Occurrence, frozen=True, kw_only=True):
    """A chore had something to do, and did it."""

    chore: str
    done: int


class ChoreFailed(Occurrence, frozen=True, kw_only=True):
    """A chore failed; the next round tries again."""

    level: ClassVar[Level] = "error"
    chore: str
    reason: str


async def run_chores(declared: Declared, services: Services) -> None:
    """Do every chore at its own pace, until cancelled; one that fails keeps no other from being done."""
    async with asyncio.TaskGroup() as group:
        for chore in declared.of(Chore):
            group.create_task(_repeat(chore, services), name=f"chore {chore.name}")


def run_processes(declared: Declared, services: Services, stop: asyncio.Event) -> list[Coroutine[Any, Any, None]]:
    """The processes of the parts, to be run beside each other in this one, until `stop` is set."""
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
