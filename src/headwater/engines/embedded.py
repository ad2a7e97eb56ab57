"""What both embedded servers share: a folder, a lock, a log, a process, and the steps of a start.

A start locks the folder, creates its subfolders, ends the processes of an earlier run, lets the server prepare its
data, launches it, and waits until it is ready. A start that fails leaves neither a process nor a lock behind.
"""

import asyncio
import contextlib
import os
import signal
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from headwater.engines.account import Account, choose_account
from headwater.engines.engine import (
    EngineError,
    EngineFailed,
    EngineNotRunning,
    EngineStarted,
    EngineStopped,
    FolderUnusable,
)
from headwater.engines.leftover import end_leftovers
from headwater.engines.lock import FolderLock
from headwater.engines.process import ChildProcess, Step, Stopwatch, launch
from headwater.engines.serverlog import ServerLog
from headwater.engines.socketfolder import SocketFolder
from headwater.observe import report

READY_POLL_SECONDS = 0.01


class EmbeddedServer(ABC):
    """A server in `folder`: its files in ``data``, its socket in ``run``, its log in ``log``."""

    embedded = True
    name: str
    program: ClassVar[str]
    variable: ClassVar[str]
    socket_name: ClassVar[str]
    steps: ClassVar[tuple[Step, ...]]
    """How it is stopped: gracefully, then immediately, then by force."""
    death_signal: ClassVar[signal.Signals]
    """The signal that it gets when the process that started it is killed."""
    ready_seconds: ClassVar[float]

    def __init__(self, folder: Path) -> None:
        self.url = ""
        self.folder = folder.absolute()
        self.data = self.folder / "data"
        self.log = ServerLog(self.folder / "log" / f"{self.name}.log")
        self._lock = FolderLock(self.folder)
        self._account: Account | None = None
        self._process: ChildProcess | None = None
        self._bounding: asyncio.Task[None] | None = None
        self._starts = 0
        self._start_seconds = 0.0

    async def start(self) -> None:
        """Return when the server accepts connections; may be called again after a crash.

        Raises `EngineError`: `FolderInUse`, `FolderUnusable`, `OtherVersion`, `EngineFailed`, ….
        """
        if self._process is not None and self._process.status() is None:
            return
        watch = Stopwatch()
        try:
            await self._start()
        except OSError as error:
            await self._abandon()
            reason = f"{error.strerror or error}" + (f" ({error.filename})" if error.filename else "")
            raise FolderUnusable(folder=self.folder, engine=self.name, reason=reason) from error
        except BaseException:
            await self._abandon()
            raise
        self._starts += 1
        self._start_seconds = watch.seconds()
        self._stop_bounding()
        self._bounding = asyncio.create_task(self.log.keep_bounded(), name=f"{self.name} log")
        report(EngineStarted(engine=self.name, pid=self._running().pid, seconds=self._start_seconds))

    async def stop(self) -> None:
        """Stop the server gracefully, or by force if that takes too long; then unlock the folder."""
        watch = Stopwatch()
        process, forced = self._process, False
        if process is not None:
            forced = await process.end(self.steps)
        self._release()
        if process is not None:
            report(EngineStopped(engine=self.name, seconds=watch.seconds(), forced=forced))

    async def wait(self) -> int:
        """The exit status, once the server has ended; raises `EngineNotRunning` if it was never started."""
        return await self._running().wait()

    def statistics(self) -> dict[str, Any]:
        process = self._process
        running = process is not None and process.status() is None
        return {
            "embedded": True,
            "running": running,
            "pid": process.pid if process is not None and running else None,
            "starts": self._starts,
            "start_seconds": self._start_seconds,
        }

    @abstractmethod
    async def _prepare(self, sockets: Path) -> None:
        """Create what the server needs in `data` before it is launched; `sockets` is the folder of its socket."""

    @abstractmethod
    def _command(self, sockets: Path) -> Sequence[str | Path]: ...

    @abstractmethod
    def _paths(self) -> Sequence[Path]:
        """The paths that the server must be able to read, besides its program."""

    @abstractmethod
    async def _is_ready(self, process: ChildProcess) -> bool: ...

    @abstractmethod
    async def _finish(self) -> None:
        """The last step of a start, once the server accepts connections."""

    @abstractmethod
    def _url(self, sockets: Path) -> str: ...

    async def _start(self) -> None:
        self._make_folder()
        self._lock.acquire()
        self._account = choose_account(self.data)
        await end_leftovers(self.program, self.data, self.steps)
        sockets = self._sockets().create()
        await self._prepare(sockets)
        self.url = self._url(sockets)
        self._process = self._launch(sockets)
        await self._wait_ready(self._process)
        await self._finish()

    def _make_folder(self) -> None:
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        self.folder.mkdir(mode=0o700, exist_ok=True)
        # The server's account may traverse this folder, but not list it, nor create files that root would follow.
        self.folder.chmod(0o711 if os.geteuid() == 0 else 0o700)
        self.log.path.parent.mkdir(mode=0o700, exist_ok=True)

    def _sockets(self) -> SocketFolder:
        return SocketFolder(self.folder / "run", self.socket_name, self._account)

    def _launch(self, sockets: Path) -> ChildProcess:
        output = self.log.open()
        try:
            return launch(
                self._command(sockets),
                account=self._account,
                output=output,
                death_signal=self.death_signal,
                paths=self._paths(),
            )
        finally:
            os.close(output)

    async def _wait_ready(self, process: ChildProcess) -> None:
        ended = asyncio.create_task(process.wait())
        try:
            async with asyncio.timeout(self.ready_seconds):
                while not await self._is_ready(process):
                    if (await asyncio.wait({ended}, timeout=READY_POLL_SECONDS))[0]:
                        raise self._failed(f"it exited with status {ended.result()}")
        except TimeoutError:
            raise self._failed(f"it was not ready after {self.ready_seconds:g} seconds") from None
        finally:
            ended.cancel()

    def _failed(self, reason: str) -> EngineError:
        return EngineFailed(engine=self.name, reason=reason, log=self.log.path, tail=self.log.tail())

    async def _abandon(self) -> None:
        if self._process is not None:
            await self._process.end(self.steps[1:])
        self._release()

    def _release(self) -> None:
        self._stop_bounding()
        if self._lock.held:
            with contextlib.suppress(OSError):
                self._sockets().remove()
            self._lock.release()

    def _stop_bounding(self) -> None:
        if self._bounding is not None:
            self._bounding.cancel()
            self._bounding = None

    def _running(self) -> ChildProcess:
        if self._process is None:
            raise EngineNotRunning(engine=self.name, folder=self.folder, variable=self.variable)
        return self._process
