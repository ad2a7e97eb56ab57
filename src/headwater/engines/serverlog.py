"""A server's log file, bounded in size without help from the server.

The server appends to one open file for as long as it runs. When the file exceeds the limit, its newest part is copied
to a second file and the file is truncated in place, which is safe because every write appends (open(2), O_APPEND).
"""

import asyncio
import contextlib
import os
from pathlib import Path

LIMIT_BYTES = 8 * 1024 * 1024
CHECK_SECONDS = 30.0
TAIL_LINES = 25
TAIL_BYTES = 16 * 1024


class ServerLog:
    """At most `limit` bytes in `path` and as many in ``<path>.1``, plus what is written between two checks."""

    def __init__(self, path: Path, limit: int = LIMIT_BYTES) -> None:
        self.path = path
        self._earlier = path.with_name(path.name + ".1")
        self._limit = limit
        self._start = 0

    def open(self) -> int:
        """A file descriptor for the server to write to; `tail` starts here."""
        self.path.parent.mkdir(exist_ok=True)
        self.trim()
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._start = os.fstat(descriptor).st_size
        return descriptor

    def tail(self) -> str:
        """The last lines since `open`."""
        with contextlib.suppress(OSError), self.path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(self._start if self._start <= size else 0, size - TAIL_BYTES))
            lines = file.read().decode(errors="replace").splitlines()
            return "\n".join(lines[-TAIL_LINES:]) or "(empty)"
        return "(missing)"

    def trim(self) -> None:
        """Copy the newest part away and truncate the file, if it exceeds the limit."""
        try:
            with self.path.open("r+b") as file:
                size = file.seek(0, os.SEEK_END)
                if size <= self._limit:
                    return
                file.seek(size - self._limit)
                newest = file.read()
                with contextlib.suppress(OSError):  # on a full disk there is no copy, but the file is truncated
                    self._earlier.write_bytes(newest)
                file.truncate(0)
        except FileNotFoundError:
            return

    async def keep_bounded(self) -> None:
        """Trim periodically; runs until cancelled."""
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            self.trim()
