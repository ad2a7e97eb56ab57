"""Logs: log events, the records of libraries, and what an app logs with structlog, as one stream of lines.

The lines and the fields common to them are those of `headwater.observe.lines`; a line of structlog adds the
values bound to its logger and its context variables. `console` writes text for people instead.
"""

import sys
import traceback
from collections.abc import Callable, MutableMapping
from typing import Any, Final

import msgspec

from headwater.observe.lines import Lines, write_lines
from headwater.observe.linewriter import standard_error

Write = Callable[[bytes], Any]
Fields = MutableMapping[str, Any]

_LEVEL_OF_METHOD: Final = {"exception": "error", "critical": "error", "fatal": "error", "warn": "warning"}


def configure_logging(
    process: str, level: str = "info", *, console: bool | None = None, write: Write | None = None
) -> Callable[[], None]:
    """Write everything from `level` upwards as lines, by default to standard error; returns a function that ends it.

    `console` chooses text over JSON; by default it does so when standard error is a terminal and `write` is not given.
    """
    if console is None:
        console = write is None and sys.stderr.isatty()
    write = write or standard_error(process).write
    if console:
        write = _as_text(write)
    end_lines = write_lines(process, level, write)
    end_structlog = _configure_structlog(Lines(process, level, write), level)

    def end() -> None:
        end_structlog()
        end_lines()

    return end


def adopt_structlog(process: str, level: str, write: Write | None = None) -> None:
    """Write what an app logs with structlog as lines too, if it has imported structlog and not configured it."""
    structlog = sys.modules.get("structlog")
    if structlog is not None and not structlog.is_configured():
        _configure_structlog(Lines(process, level, write or standard_error(process).write), level)


def _configure_structlog(lines: Lines, level: str) -> Callable[[], None]:
    import structlog  # a fifth of a second: only here, so that importing headwater does not pay for it

    def into_lines(logger: Any, method: str, fields: Fields) -> Any:
        lines.line(_LEVEL_OF_METHOD.get(method, method), str(fields.pop("event", "")), dict(fields))
        raise structlog.DropEvent

    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, _write_exception, into_lines],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=False,
    )
    return structlog.reset_defaults


def _write_exception(logger: Any, method: str, fields: Fields) -> Fields:
    """`exc_info`, in each form that structlog knows, becomes the stack trace as a string."""
    info = fields.pop("exc_info", None)
    error = sys.exc_info()[1] if info is True else info[1] if isinstance(info, tuple) else info
    if isinstance(error, BaseException):
        fields["exception"] = "".join(traceback.format_exception(error))
    return fields


def _as_text(write: Write) -> Write:
    from structlog.dev import ConsoleRenderer

    render = ConsoleRenderer(timestamp_key="at", colors=sys.stderr.isatty())

    def write_text(line: bytes) -> None:
        fields = msgspec.json.decode(line)
        write(render(None, fields["level"], fields).encode(errors="backslashreplace") + b"\n")

    return write_text
