"""A line writer passes lines to a thread, so that a full pipe never blocks the event loop.

Writing to standard error blocks while the reader of its pipe does not read. A worker that logs from its event loop
would then stop serving. Here the loop only queues bytes. The queue is bounded: lines that do not fit are dropped and
counted, and the count is written as soon as there is space.
"""

import atexit
import functools
import os
import select
import threading
from collections import deque
from typing import Any

from headwater.observe.lines import line_bytes

LIMIT_BYTES = 8 << 20
CLOSE_SECONDS = 2.0


class LineWriter:
    """Writes whole lines to a file descriptor, in order, from a thread that starts with the first of them.

    When the process ends, queued lines are still written, for at most `CLOSE_SECONDS`. Dropped lines are
    reported under the name `process`.
    """

    def __init__(self, descriptor: int, process: str, *, limit_bytes: int = LIMIT_BYTES) -> None:
        self.process = process
        self._descriptor = descriptor
        self._limit_bytes = limit_bytes
        self._begin()

    def write(self, lines: bytes) -> None:
        """Queue one or more lines, each with its newline; never blocks on the descriptor."""
        if self._pid != os.getpid():
            self._begin()  # a fork copies the queue but not the thread
        with self._changed:
            if self._closing or self._queued_bytes + len(lines) > self._limit_bytes:
                self._dropped += lines.count(b"\n")
                return
            if self._dropped_unreported:
                lines = self._report_dropped() + lines
            self._queue.append(lines)
            self._queued_bytes += len(lines)
            if self._thread is None:
                self._start()
            self._changed.notify_all()

    def flush(self, seconds: float = CLOSE_SECONDS) -> bool:
        """Wait until everything queued is written, at most `seconds`; False if it was not."""
        with self._changed:
            return self._changed.wait_for(lambda: self._queued_bytes == 0, seconds)

    def close(self, seconds: float = CLOSE_SECONDS) -> None:
        """Write what is queued, for at most `seconds`, and accept no more."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread is not None and self._pid == os.getpid():
            self._thread.join(seconds)
        atexit.unregister(self.close)

    def statistics(self) -> dict[str, Any]:
        """Bytes waiting, and lines dropped since the start."""
        return {"queued_bytes": self._queued_bytes, "dropped_lines": self._dropped}

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._changed = threading.Condition()
        self._queue: deque[bytes] = deque()
        self._queued_bytes = 0
        self._dropped = 0
        self._reported = 0
        self._closing = False
        self._thread: threading.Thread | None = None

    @property
    def _dropped_unreported(self) -> int:
        return self._dropped - self._reported

    def _report_dropped(self) -> bytes:
        count, self._reported = self._dropped_unreported, self._dropped
        return line_bytes("warning", self.process, "LinesDropped", {"count": count})

    def _start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="headwater-lines", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    def _run(self) -> None:
        while (lines := self._wait_for_lines()) is not None:
            self._write_out(lines)
            with self._changed:
                self._queued_bytes -= len(lines)
                self._changed.notify_all()

    def _wait_for_lines(self) -> bytes | None:
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._closing)
            return self._queue.popleft() if self._queue else None

    def _write_out(self, lines: bytes) -> None:
        rest = memoryview(lines)
        while rest:
            try:
                rest = rest[os.write(self._descriptor, rest) :]
            except BlockingIOError:
                select.select([], [self._descriptor], [])
            except OSError:  # the reader has closed the pipe, so this cannot be reported
                self._dropped += bytes(rest).count(b"\n")
                return


def standard_error(process: str) -> LineWriter:
    """The only writer to standard error in this process, under the name `process`.

    Two would mix their lines in a pipe.
    """
    writer = _standard_error()
    writer.process = process
    return writer


@functools.cache
def _standard_error() -> LineWriter:
    return LineWriter(2, "")
