"""The log collector: it receives everything that the processes write.

Each process has a channel. All its output goes to ``<home>/log/<process>.log``; warnings and errors are shown on the
terminal as well. With `stream` every line goes there instead, as JSON, for the log driver of a container, and nothing
is written to files.
"""

from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from headwater.observe.lines import LEVELS, line_bytes
from headwater.supervisor.logfile import LogFile

TAIL_LINES = 12
LONGEST_LINE_BYTES = 256 * 1024


class LogLine(msgspec.Struct, frozen=True):
    """One parsed log line of a process; `fields` are those beside the common ones."""

    process: str
    level: str
    event: str
    at: str = ""
    fields: dict[str, Any] = {}


Show = Callable[[LogLine], None]


class LogCollector:
    """Opens channels; `show` receives the lines from `shown_level` upwards."""

    def __init__(
        self,
        folder: Path | None,
        *,
        show: Show | None = None,
        shown_level: str = "warning",
        stream: Callable[[bytes], Any] | None = None,
    ) -> None:
        self._folder = folder
        self._show = show
        self._shown = tuple(f'"level":"{level}"'.encode() for level in LEVELS[LEVELS.index(shown_level) :])
        self._stream = stream
        self._channels: dict[str, Channel] = {}
        self._full = False

    def channel(self, process: str) -> "Channel":
        """The channel of `process`; it stays the same when the process is restarted."""
        if process not in self._channels:
            self._channels[process] = Channel(process, self)
        return self._channels[process]

    def close(self) -> None:
        for channel in self._channels.values():
            channel.close()

    def file_of(self, process: str) -> LogFile | None:
        return LogFile(self._folder / f"{process.replace(' ', '-')}.log") if self._folder and not self._stream else None

    def take(self, process: str, lines: bytes) -> None:
        """Pass on complete lines."""
        if self._stream is not None:
            self._stream_on(process, lines)
        if self._show is not None and any(mark in lines for mark in self._shown):
            for line in lines.splitlines():
                if any(mark in line for mark in self._shown):
                    self._show(read_line(process, line))

    def complain(self, reason: str) -> None:
        """Report once that files cannot be written. The processes themselves go on."""
        if not self._full and self._show is not None:
            self._show(LogLine(process="supervisor", level="error", event=f"logs are lost: {reason}"))
        self._full = True

    def _stream_on(self, process: str, lines: bytes) -> None:
        assert self._stream is not None
        whole = all(line.startswith(b"{") for line in lines.splitlines())
        self._stream(lines if whole else b"".join(_as_json(process, line) for line in lines.splitlines()))


class Channel:
    """The output of one process, split into lines."""

    def __init__(self, process: str, collector: LogCollector) -> None:
        self.process = process
        self._collector = collector
        self._file = collector.file_of(process)
        self._rest = b""
        self._tail: deque[bytes] = deque(maxlen=TAIL_LINES)

    def write(self, chunk: bytes) -> None:
        """Add a chunk of output. A line that is longer than `LONGEST_LINE_BYTES` is split."""
        lines, newline, rest = (self._rest + chunk).rpartition(b"\n")
        if len(rest) > LONGEST_LINE_BYTES:
            lines, newline, rest = lines + newline + rest, b"\n", b""
        self._rest = rest
        if newline:
            self._take(lines + newline)

    def tail(self) -> str:
        """The last lines, for the message about a failed process: only the errors if there are any."""
        lines = [read_line(self.process, line) for line in (*self._tail, self._rest) if line]
        severe = [line for line in lines if line.level == "error"]
        return "".join(f"\n  {text}" for line in severe or lines for text in plain_text(line).splitlines())

    def forget_tail(self) -> None:
        self._tail.clear()
        self._rest = b""

    def close(self) -> None:
        if self._rest:
            self._take(self._rest + b"\n")
            self._rest = b""
        if self._file is not None:
            self._file.close()

    def _take(self, lines: bytes) -> None:
        self._tail.extend(lines.splitlines()[-TAIL_LINES:])
        if self._file is not None:
            try:
                self._file.write(lines)
            except OSError as error:
                self._collector.complain(f"{self._file.path}: {error.strerror}")
        self._collector.take(self.process, lines)


_COMMON: Final = frozenset({"process", "level", "event", "at"})


def read_line(process: str, line: bytes) -> LogLine:
    """Parse a line. One that is not a JSON object, such as the output of `print`, has level info."""
    try:
        found = msgspec.json.decode(line, type=dict[str, Any])
    except msgspec.DecodeError:
        return LogLine(process=process, level="info", event=line.decode(errors="replace"))
    return LogLine(
        process=str(found.get("process", process)),
        level=str(found.get("level", "info")),
        event=str(found.get("event", "")),
        at=str(found.get("at", "")),
        fields={name: value for name, value in found.items() if name not in _COMMON},
    )


def plain_text(line: LogLine) -> str:
    """A line for people: the event, its fields, and a stack trace below."""
    fields = {name: value for name, value in line.fields.items() if name not in ("exception", "logger")}
    text = " ".join([line.event, *(f"{name}={value}" for name, value in fields.items())])
    trace = line.fields.get("exception")
    return f"{text}\n{trace.rstrip()}" if isinstance(trace, str) else text


def _as_json(process: str, line: bytes) -> bytes:
    if line.startswith(b"{"):
        return line + b"\n"
    return line_bytes("info", process, "Output", {"text": line.decode(errors="replace")})
