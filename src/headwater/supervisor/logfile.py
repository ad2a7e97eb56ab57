"""A log file with rotation: a full file is renamed, and the oldest one is deleted."""

import os
from pathlib import Path

LIMIT_BYTES = 8 * 1024 * 1024
KEPT = 3


class LogFile:
    """Appends to `path`; the earlier files are ``<path>.1`` (newest) to ``<path>.<kept>``.

    It rotates between two chunks, so a chunk should end with a line. Raises `OSError` when the disk is full.
    """

    def __init__(self, path: Path, *, limit_bytes: int = LIMIT_BYTES, kept: int = KEPT) -> None:
        self.path = path
        self._limit_bytes = limit_bytes
        self._kept = kept
        self._descriptor: int | None = None
        self._size = 0

    def write(self, chunk: bytes) -> None:
        if self._descriptor is None:
            self._open()
        elif self._size + len(chunk) > self._limit_bytes and self._size:
            self._move_aside()
        assert self._descriptor is not None
        self._size += os.write(self._descriptor, chunk)

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _open(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._size = os.fstat(self._descriptor).st_size

    def _move_aside(self) -> None:
        self.close()
        for number in range(self._kept - 1, 0, -1):
            earlier = self._earlier(number)
            if earlier.exists():
                earlier.replace(self._earlier(number + 1))
        self.path.replace(self._earlier(1))
        self._open()

    def _earlier(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}")
