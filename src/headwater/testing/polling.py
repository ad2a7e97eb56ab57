"""Polling: for what sends no signal, check repeatedly until a condition holds or the timeout expires.

The failure names the condition and the value seen last.
"""

import asyncio
import inspect
import linecache
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar, overload

T = TypeVar("T")

PATIENCE_SECONDS: Final = 60.0
"""Far longer than anything takes, also on a busy machine. Only a failing test waits for so long."""

_EVERY_SECONDS: Final = 0.01


class NotSeen(AssertionError):
    """The condition of `eventually` did not hold in time."""


@overload
async def eventually(
    look: Callable[[], Awaitable[T]],
    holds: Callable[[T], object] = ...,
    *,
    seconds: float = ...,
    every: float = ...,
    what: str | None = ...,
) -> T: ...


@overload
async def eventually(
    look: Callable[[], T],
    holds: Callable[[T], object] = ...,
    *,
    seconds: float = ...,
    every: float = ...,
    what: str | None = ...,
) -> T: ...


async def eventually(
    look: Callable[[], Any],
    holds: Callable[[Any], object] = bool,
    *,
    seconds: float = PATIENCE_SECONDS,
    every: float = _EVERY_SECONDS,
    what: str | None = None,
) -> Any:
    """Return the result of `look`, as soon as `holds` is true of it::

        await eventually(mailbox.unread)
        await eventually(lambda: len(mailbox), lambda letters: letters == 3)

    It calls `look` at once and then every `every` seconds. After `seconds` it raises `NotSeen`, an `AssertionError`
    that names `what` it waited for, by default the source of `look`, and the last result.
    """
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if inspect.isawaitable(found):
            found = await found
        if holds(found):
            return found
        if time.monotonic() > deadline:
            raise NotSeen(f"not within {seconds:g} s: {what or _source_of(look)}; last seen: {found!r}")
        await asyncio.sleep(every)


def _source_of(look: Callable[..., object]) -> str:
    """The line on which a lambda stands, the name of any other function."""
    code = getattr(look, "__code__", None)
    if code is None or code.co_name != "<lambda>":
        return getattr(look, "__qualname__", None) or repr(look)
    return linecache.getline(code.co_filename, code.co_firstlineno).strip() or look.__qualname__
