"""Concurrent steps: the first failure cancels the others."""

import asyncio
from collections.abc import Coroutine
from typing import Any


async def together(*steps: Coroutine[Any, Any, Any]) -> None:
    """Run `steps` concurrently. The first failure cancels the rest and is raised itself, not in a group."""
    try:
        async with asyncio.TaskGroup() as group:
            for step in steps:
                group.create_task(step)
    except BaseExceptionGroup as failures:
        raise _first(failures) from None


async def beside(work: Coroutine[Any, Any, Any], companion: Coroutine[Any, Any, None]) -> None:
    """Run `companion` for as long as `work` takes. The first failure ends both and is raised itself."""
    try:
        async with asyncio.TaskGroup() as group:
            follower = group.create_task(companion)
            group.create_task(work).add_done_callback(lambda _: follower.cancel())
    except BaseExceptionGroup as failures:
        raise _first(failures) from None


def _first(failures: BaseExceptionGroup[Any]) -> BaseException:
    failure = failures.exceptions[0]
    return _first(failure) if isinstance(failure, BaseExceptionGroup) else failure
