"""Declarations beside routes and consumers: settings, processes, chores, checks, findings, commands.

The parameters of their functions are resources, bound by type.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec

from headwater.binding import Resource
from headwater.binding.signature import location_of
from headwater.engines.finding import Finding
from headwater.part import Declaration
from headwater.settings import read_own_settings


class OwnSettings(Resource, frozen=True, kw_only=True):
    """Settings of a part as a resource; see `own_settings`."""

    prefix: str


def own_settings(kind: type[msgspec.Struct], prefix: str) -> OwnSettings:
    """Provide a Struct whose fields are read from the environment variables ``<prefix><FIELD>``, like those of
    `Settings`.

    ``Annotated[int, Meta(ge=1, description="…")]`` constrains a field and describes it in `headwater settings`. A field
    without a default must be set; otherwise the start raises `SettingsError`.
    """
    return OwnSettings(kind=kind, prefix=prefix, open=lambda: read_own_settings(kind, prefix))


class Process(Declaration, frozen=True, kw_only=True):
    """A process of its own under the supervisor, called `name`; `count` of them run.

    `run` is a coroutine function that runs until its `asyncio.Event` is set: ``async def follow(stop: asyncio.Event,
    pools: Pools) -> None``. A process that ends earlier is restarted after a delay. In `headwater dev` and in the test
    kit it runs in the same process as everything else.
    """

    name: str
    run: Callable[..., Awaitable[None]]
    count: int = 1


class Chore(Declaration, frozen=True, kw_only=True):
    """Periodic housekeeping, run every `seconds` by the first consumer worker, so once per database.

    `run` returns the number of things done, for the log. An exception is logged, and the chore runs again at its next
    time.
    """

    name: str
    run: Callable[..., Awaitable[int]]
    seconds: float = 600.0


class Check(Declaration, frozen=True, kw_only=True):
    """A readiness check: `reasons` returns why requests cannot be served now, as text for people; nothing if they
    can."""

    reasons: Callable[..., Awaitable[Sequence[str]]]


class Examination(Declaration, frozen=True, kw_only=True):
    """Findings of `headwater doctor`."""

    examine: Callable[..., Awaitable[Sequence[Finding]]]


class Command(Declaration, frozen=True, kw_only=True):
    """A command of the command line: ``headwater NAME``.

    A parameter of `run` is a resource, which is opened for the command, or else an argument of the command line, parsed
    by cyclopts. `run` may be asynchronous.
    """

    name: str
    run: Callable[..., Any]
    help: str = ""


class Ran(msgspec.Struct, frozen=True):
    """The function of a declaration, as it appears in messages."""

    handler: Callable[..., Any]

    def __str__(self) -> str:
        return "the function"

    @property
    def location(self) -> str:
        return location_of(self.handler)

    @property
    def writes(self) -> bool:
        return False


class Middleware(Declaration, frozen=True):
    """ASGI middleware around everything that the backend serves, including the lifespan.

    `wrap` takes an application and returns one. The first declared is the outermost.
    """

    wrap: Callable[[Any], Any]
