"""An engine is a server that Headwater starts, or reaches by its URL; from here on both look the same."""

from typing import Any, ClassVar, Protocol

from headwater.errors import HeadwaterError
from headwater.observe import Level, Occurrence


class Engine(Protocol):
    """What the supervisor and the test kit ask of a server."""

    name: str
    """``"postgres"`` or ``"valkey"``."""
    url: str
    """Where clients connect; empty until an embedded engine has started."""
    embedded: bool

    async def start(self) -> None:
        """Return when the engine accepts connections; raises `EngineError` if it cannot."""
        ...

    async def stop(self) -> None:
        """End an embedded engine in an orderly way, within seconds; an external one is left alone. Idempotent."""
        ...

    async def wait(self) -> int:
        """Return the exit status once an embedded engine has ended, for whatever reason; for an external one, never."""
        ...

    def statistics(self) -> dict[str, Any]: ...


class EngineError(HeadwaterError):
    """An engine cannot be used."""


class EngineFailed(EngineError):
    """{engine} did not start: {reason}. The end of its log, {log}:

    {tail}
    """


class EngineUnreachable(EngineError):
    """{engine} at {host} does not answer: {reason}."""


class EngineNotRunning(EngineError):
    """{engine} is not running in {folder}. Start it with `headwater up`, or name an external one in {variable}."""


class FolderInUse(EngineError):
    """{folder} is in use by another Headwater (process {holder}). Stop it, or set HEADWATER_HOME to another one."""


class FolderUnusable(EngineError):
    """{folder} cannot hold the state of {engine}: {reason}."""


class OtherVersion(EngineError):
    """{folder} was written by PostgreSQL {found}, and this Headwater runs PostgreSQL {wanted}, which cannot read it.
    Take a pg_dump with the Headwater that wrote it and restore it here, or move the folder away to begin anew.
    """


class LeftoverLives(EngineError):
    """A {program} of an earlier run still works in {folder} and did not end on SIGKILL: {processes}."""


class ProgramMissing(EngineError):
    """{program} is not where the package {package} keeps it.
    Install {package} again, or name an external server in {variable}.
    """


class NoAccount(EngineError):
    """Servers are not run as root, and none of the system users {names} exists here.
    Create one: useradd --system headwater
    """


class EngineStarted(Occurrence, frozen=True, kw_only=True):
    """`engine` accepts connections, `seconds` after it was asked to start."""

    engine: str
    pid: int
    seconds: float


class EngineStopped(Occurrence, frozen=True, kw_only=True):
    """`engine` ended as asked, within `seconds`; `forced` says that it did not end in an orderly way."""

    engine: str
    seconds: float
    forced: bool


class LeftoverEnded(Occurrence, frozen=True, kw_only=True):
    """Processes of a supervisor that was killed still ran in `folder` and have been ended."""

    level: ClassVar[Level] = "warning"
    program: str
    folder: str
    processes: tuple[int, ...]
