"""The state folder: one supervisor at a time, and none while children of the last one are running."""

import asyncio
import fcntl
import os
from pathlib import Path

from headwater.engines.lock import FolderLock
from headwater.supervisor.errors import HomeUnusable, NotRunning, OrphansLive
from headwater.supervisor.lifeline import ORPHAN_SECONDS
from headwater.supervisor.state import BackendState, StateFile

POLL_SECONDS = 0.05


class Home:
    """``<home>/run`` holds the children's lock, and the state that `headwater status` reads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = StateFile(folder / "run" / "state.json")
        self._run = folder / "run"
        self._lock = FolderLock(folder)
        self._children: int | None = None

    async def take(self) -> int:
        """Lock the folder; returns a descriptor that every child must inherit.

        Its lock lasts until the last child has closed it, so the next run does not start beside children of a
        supervisor that was killed. Raises `FolderInUse`, `OrphansLive` or `HomeUnusable`.
        """
        try:
            self._run.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
            descriptor = os.open(self._run / "children.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            self.leave()
            raise HomeUnusable(home=self.folder, reason=error.strerror or error) from None
        self._children = descriptor
        try:
            async with asyncio.timeout(2 * ORPHAN_SECONDS):
                await _lock(descriptor)
        except TimeoutError:
            raise OrphansLive(home=self.folder, processes=_living(self.state.read())) from None
        return descriptor

    def leave(self) -> None:
        """Release the folder."""
        if self._children is not None:
            os.close(self._children)
            self._children = None
        self._lock.release()


def running_state(folder: Path) -> BackendState:
    """The state of the backend that runs in `folder`; raises `NotRunning`."""
    state = StateFile(folder / "run" / "state.json").read()
    if state is None or not _is_held(folder):
        raise NotRunning(home=folder)
    return state


def _is_held(folder: Path) -> bool:
    """Whether a supervisor is running: its lock ends with it, its file does not."""
    try:
        descriptor = os.open(folder / "lock", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


async def _lock(descriptor: int) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            await asyncio.sleep(POLL_SECONDS)


def _living(state: BackendState | None) -> str:
    processes = [] if state is None else [each for each in state.processes if each.pid]
    return ", ".join(f"{each.name} ({each.pid})" for each in processes) or "unknown"
