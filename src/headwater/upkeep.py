"""What a part brings beside the serving of requests and events: its processes, chores, checks, findings and commands.

The functions of these declarations are bound as resources are: each parameter is a resource, by its type.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from headwater.engines.finding import Finding
from headwater.part import Declaration


class Process(Declaration, frozen=True, kw_only=True):
    """A process of its own under the supervisor, called `name`; there are `count` of it.

    `run` is a coroutine function that works until the `asyncio.Event` that it is given is set: ``async def follow(stop:
    Stop, pools: Pools) -> None``. One that ends before, or dies, is started again after a pause.
    """

    name: str
    run: Callable[..., Awaitable[None]]
    count: int = 1


class Chore(Declaration, frozen=True, kw_only=True):
    """Housekeeping: done once per database, every `seconds`, by the first consumer worker.

    `run` returns how much there was to do, for the log. If it raises, that is logged, and it is tried again next time.
    """

    name: str
    run: Callable[..., Awaitable[int]]
    seconds: float = 600.0


class Check(Declaration, frozen=True, kw_only=True):
    """Readiness: `reasons` returns why requests cannot be served now, for people; nothing if they can."""

    reasons: Callable[..., Awaitable[Sequence[str]]]


class Examination(Declaration, frozen=True, kw_only=True):
    """Findings of `headwater doctor`."""

    examine: Callable[..., Awaitable[Sequence[Finding]]]


class Command(Declaration, frozen=True, kw_only=True):
    """A command of the command line: ``headwater NAME``; `run` is a function as cyclopts takes it."""

    name: str
    run: Callable[..., Any]
    help: str = ""


class Middleware(Declaration, frozen=True):
    """ASGI around everything that the backend serves, lifespan included: `wrap` takes an application and returns one.

    The first that is declared is the outermost.
    """

    wrap: Callable[[Any], Any]
