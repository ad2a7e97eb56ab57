"""What a part brings beside routes and consumers: settings, processes, chores, checks, findings, commands.

The functions of these declarations are bound as resources are: each parameter is a resource, by its type.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec

from headwater.binding import Resource
from headwater.binding.signature import place_of
from headwater.engines.finding import Finding
from headwater.part import Declaration
from headwater.settings import read_own_settings


class OwnSettings(Resource, frozen=True, kw_only=True):
    """Settings of the part, as a resource: see `own_settings`."""

    prefix: str


def own_settings(kind: type[msgspec.Struct], prefix: str) -> OwnSettings:
    """Provide a Struct whose fields are read from the variables ``<prefix><FIELD>``, as those of `Settings` are.

    ``Annotated[int, Meta(ge=1, description="…")]`` bounds a field, and describes it in `headwater settings`. A field
    without a default has to be set: else the start raises `SettingsError`.
    """
    return OwnSettings(kind=kind, prefix=prefix, open=lambda: read_own_settings(kind, prefix))


class Process(Declaration, frozen=True, kw_only=True):
    """A process of its own under the supervisor, called `name`; there are `count` of it.

    `run` is a coroutine function that works until the `asyncio.Event` that it is given is set: ``async def follow(stop:
    asyncio.Event, pools: Pools) -> None``. One that ends before, or dies, is started again after a pause. In
    `headwater dev` and in the test kit it runs beside the others in the one process.
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
    """A command of the command line: ``headwater NAME``.

    `run` is bound as resources are, those that it needs opened; a parameter that is not one is an argument of the
    command line, as cyclopts reads it. It may be asynchronous.
    """

    name: str
    run: Callable[..., Any]
    help: str = ""


class Ran(msgspec.Struct, frozen=True):
    """A function of one of these declarations, as messages name it."""

    handler: Callable[..., Any]

    def __str__(self) -> str:
        return "the function"

    @property
    def place(self) -> str:
        return place_of(self.handler)

    @property
    def writes(self) -> bool:
        return False


class Middleware(Declaration, frozen=True):
    """ASGI around everything that the backend serves, lifespan included: `wrap` takes an application and returns one.

    The first that is declared is the outermost.
    """

    wrap: Callable[[Any], Any]
