"""One Headwater per folder: a lock that the kernel releases when its holder ends."""

import fcntl
import os
from pathlib import Path

from headwater.engines.engine import FolderInUse


class FolderLock:
    """An exclusive flock(2) on ``<folder>/lock``, a file with the process id of the holder, for people to read.

    The lock belongs to the open file, so two objects for one folder exclude each other within a process, too.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock, or keep it if this object holds it; raises `FolderInUse` at once if another holds it."""
        if self._descriptor is not None:
            return
        descriptor = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 32, 0).decode().strip() or "unknown"
            os.close(descriptor)
            raise FolderInUse(folder=self._folder, holder=holder) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor

    @property
    def held(self) -> bool:
        return self._descriptor is not None

    def release(self) -> None:
        """Release the lock, if it is held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
