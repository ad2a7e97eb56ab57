"""Declarations beside routes and consumers: settings, processes, chores, checks, findings, commands.

The parameters of their functions are resources, bound by type.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import msgspec

from headwater.binding import Resource, Services
from headwater.binding.signature import location_of, read_parameters
from headwater.engines.finding import Finding
from headwater.errors import HeadwaterError
from headwater.part import Declaration, Declarations
from headwater.settings import read_own_settings

PROCESSES: Final = frozenset({"web", "consumer", "relay", "dev", "supervisor", "postgres", "valkey"})
"""First words of the names of the platform's processes."""

COMMANDS: Final = frozenset(
    {"api", "dev", "doctor", "log", "migrate", "new", "openapi", "psql", "settings", "status", "up"}
)
"""The commands of the platform, which one of a part could not be reached beside."""

_NAME: Final = re.compile(r"[a-z][a-z0-9]*([ _-][a-z0-9]+)*")
_LONGEST_NAME: Final = 40


class UpkeepInvalid(HeadwaterError):
    """The {what} {name!r} cannot be declared: {reason}."""


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

    def __post_init__(self) -> None:
        _refuse_name("process", self.name)
        if self.name.split()[0] in PROCESSES:
            raise UpkeepInvalid(what="process", name=self.name, reason="the platform has processes of that name")
        if self.count < 1:
            raise UpkeepInvalid(what="process", name=self.name, reason=f"its count is {self.count}, which is below 1")


class Chore(Declaration, frozen=True, kw_only=True):
    """Periodic housekeeping, run every `seconds` by the first consumer worker, so once per database.

    `run` returns the number of things done, for the log. An exception is logged, and the chore runs again at its next
    time.
    """

    name: str
    run: Callable[..., Awaitable[int]]
    seconds: float = 600.0

    def __post_init__(self) -> None:
        _refuse_name("chore", self.name)
        if not 0 < self.seconds < float("inf"):
            raise UpkeepInvalid(what="chore", name=self.name, reason=f"it cannot run every {self.seconds} seconds")


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

    def __post_init__(self) -> None:
        _refuse_name("command", self.name)
        if " " in self.name:
            raise UpkeepInvalid(what="command", name=self.name, reason="a command is one word")
        if self.name in COMMANDS:
            raise UpkeepInvalid(what="command", name=self.name, reason="`headwater` has a command of that name")


class Ran(msgspec.Struct, frozen=True):
    """The function of a declaration, as it appears in messages; `what` names the declaration."""

    handler: Callable[..., Any]
    what: str = "the function"

    def __str__(self) -> str:
        return self.what

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


def refuse_duplicates(declared: Declarations) -> None:
    """Raise `UpkeepInvalid` for two processes, chores or commands of one name."""
    named: dict[str, Sequence[Process | Chore | Command]] = {
        "process": declared.of(Process),
        "chore": declared.of(Chore),
        "command": declared.of(Command),
    }
    for what, declarations in named.items():
        locations: dict[str, str] = {}
        for each in declarations:
            location = location_of(each.run)
            if each.name in locations:
                reason = f"{locations[each.name]} and {location} both have that name"
                raise UpkeepInvalid(what=what, name=each.name, reason=reason)
            locations[each.name] = location


def check_functions(declared: Declarations, services: Services) -> None:
    """Raise a `HandlerError` for a function that could not be called because nothing fills one of its parameters."""
    for process in declared.of(Process):
        services.check(Ran(process.run, f"the process {process.name!r}"), {asyncio.Event})
    for chore in declared.of(Chore):
        services.check(Ran(chore.run, f"the chore {chore.name!r}"))
    for check in declared.of(Check):
        services.check(Ran(check.reasons, "a check"))
    for examination in declared.of(Examination):
        services.check(Ran(examination.examine, "an examination"))
    for command in declared.of(Command):
        read_parameters(Ran(command.run, f"the command {command.name!r}"))


def _refuse_name(what: str, name: str) -> None:
    if len(name) > _LONGEST_NAME or _NAME.fullmatch(name) is None:
        reason = f"a name has lower-case letters, digits and single separators, and at most {_LONGEST_NAME} characters"
        raise UpkeepInvalid(what=what, name=name, reason=reason)
