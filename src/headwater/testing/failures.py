"""Failures: what goes wrong inside the backend is written to standard error, where pytest captures it.

A response tells the client nothing about the exception behind a 500, and consumers fail while the test is elsewhere.
pytest shows what it captured beside a test that fails.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from headwater.observe import Occurrence, subscribe
from headwater.supervisor.collector import LogLine, plain_text


@contextmanager
def showing_failures() -> Iterator[None]:
    """Write every log event of level error to standard error, with its stack trace if it has one."""
    unsubscribe = subscribe(_show)
    try:
        yield
    finally:
        unsubscribe()


def _show(occurrence: Occurrence) -> None:
    if occurrence.level == "error":
        name = type(occurrence).__name__
        line = LogLine(process="test", level="error", event=name, fields=msgspec.structs.asdict(occurrence))
        print(plain_text(line), file=sys.stderr)
