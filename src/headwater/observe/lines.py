"""JSON lines: what a process reports, one object per line.

Every occurrence becomes a line, and so does every record of the standard library's `logging`, so that libraries
and applications log to the same stream. Fields common to all: ``at`` (RFC 3339, UTC), ``level``, ``process``,
``event``. A record adds ``logger`` and, where there is one, ``exception``.
"""

import logging
import traceback
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from headwater.observe.occurrence import Occurrence, subscribe

LEVELS: Final = ("debug", "info", "warning", "error")
"""Least to most severe; a ``critical`` record of `logging` counts as an error."""

_ENCODER = msgspec.json.Encoder(enc_hook=str)


def line_bytes(level: str, process: str, event: str, fields: Mapping[str, Any]) -> bytes:
    """One line with the present time, newline included. The common fields replace namesakes in `fields`."""
    at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    common = {"at": at, "level": level, "process": process, "event": event}
    return _ENCODER.encode({**fields, **common}) + b"\n"


class Lines:
    """Writes the lines of one process. `write` receives a whole line, newline included, and must not block for long."""

    def __init__(self, process: str, level: str, write: Callable[[bytes], Any]) -> None:
        self._process = process
        self._least = LEVELS.index(level)
        self._write = write

    def report(self, occurrence: Occurrence) -> None:
        self.line(occurrence.level, type(occurrence).__name__, msgspec.structs.asdict(occurrence))

    def line(self, level: str, event: str, fields: dict[str, Any]) -> None:
        """Write one line, unless `level` is below the least level."""
        if LEVELS.index(level) >= self._least:
            self._write(line_bytes(level, self._process, event, fields))


class LinesHandler(logging.Handler):
    """Writes the records of `logging` to `lines`."""

    def __init__(self, lines: Lines) -> None:
        super().__init__()
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        try:
            fields: dict[str, Any] = {"logger": record.name}
            if record.exc_info and record.exc_info[1] is not None:
                fields["exception"] = "".join(traceback.format_exception(record.exc_info[1]))
            self._lines.line(_level_of_record(record), record.getMessage(), fields)
        except Exception:
            self.handleError(record)


def write_lines(process: str, level: str, write: Callable[[bytes], Any]) -> Callable[[], None]:
    """Write what this process reports and logs as lines; returns a function that ends it."""
    lines = Lines(process, level, write)
    handler = LinesHandler(lines)
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(level.upper())
    unsubscribe = subscribe(lines.report)

    def end() -> None:
        unsubscribe()
        root.removeHandler(handler)
        root.setLevel(before)

    return end


def _level_of_record(record: logging.LogRecord) -> str:
    if record.levelno >= logging.ERROR:
        return "error"
    if record.levelno >= logging.WARNING:
        return "warning"
    return "info" if record.levelno >= logging.INFO else "debug"
