"""JSON lines: how a process writes down what it reports, one object a line, for machines first.

Every occurrence becomes a line, and so does every record of the standard library's `logging`, so that a library and
a person's own code land in the same stream. Fields common to all: ``at`` (RFC 3339, UTC), ``level``, ``process``,
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
    """One line of now, newline included. The common fields win over those of the same name in `fields`."""
    at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    common = {"at": at, "level": level, "process": process, "event": event}
    return _ENCODER.encode({**fields, **common}) + b"\n"


class Lines:
    """The writer of one process; `write` takes one whole line, newline included, and must not block for long."""

    def __init__(self, process: str, level: str, write: Callable[[bytes], Any]) -> None:
        self._process = process
        self._least = LEVELS.index(level)
        self._write = write

    def report(self, occurrence: Occurrence) -> None:
        self.line(occurrence.level, type(occurrence).__name__, msgspec.structs.asdict(occurrence))

    def line(self, level: str, event: str, fields: dict[str, Any]) -> None:
        """Write one line unless `level` is below the least one asked for."""
        if LEVELS.index(level) >= self._least:
            self._write(line_bytes(level, self._process, event, fields))


class LinesHandler(logging.Handler):
    """Puts the records of `logging` into `lines`."""

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
    """Let `write` have what this process reports and logs, as lines; returns what ends it."""
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
