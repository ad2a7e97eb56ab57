"""One Headwater per folder: a lock that the kernel drops together with the process that holds it."""

import fcntl
import os
from pathlib import Path

from headwater.engines.engine import FolderInUse


class FolderLock:
    """An exclusive flock(2) on ``<folder>/lock``, which holds the process id of its holder for people to read.

    The lock belongs to the open file: two objects on one folder exclude each other also inside one process.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock, or keep it if it is already held here. Raises `FolderInUse` at once if another holds it."""
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
        """Give the lock up; does nothing when it is not held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
