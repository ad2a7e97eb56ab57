"""The access log: one JSON line for each request, on the stream of all other lines.

====================  =========================================================================
``at``                when the request arrived, RFC 3339 in UTC
``level, event``      ``info`` and ``Request``; `process` is the one that answered
``method, path``      as sent; the query string is left out, since that is where secrets stray
``route``             the template, ``/orders/{id}``; ``unmatched`` for a path that has none
``status``            499 if the client went away before there was an answer
``ms``                milliseconds until the answer was handed to the server
``bytes``             of the answer's body
``request_id``        as in the answer's X-Request-Id and in every problem
``trace_id``          of the trace that the request belongs to
``client, agent``     the address of the connection, and User-Agent
====================  =========================================================================

Lines are gathered and written at most every 100 ms: a line costs half a microsecond on the way of a request.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from headwater.http.request import Request

FLUSH_SECONDS: Final = 0.1
LONGEST_TEXT: Final = 512

_FLUSH_LINES: Final = 4096
_ENCODER: Final = msgspec.json.Encoder()


class Line(msgspec.Struct):
    """One request; see the module for the fields."""

    at: datetime
    process: str
    method: str
    path: str
    route: str
    status: int
    ms: float
    bytes: int
    request_id: str
    trace_id: str
    client: str | None
    agent: str | None
    level: str = "info"
    event: str = "Request"


class AccessLog:
    """Gathers lines of `process` for `write`, which takes whole lines and must not block."""

    def __init__(self, process: str, write: Callable[[bytes], Any]) -> None:
        self._process = process
        self._write = write
        self._lines: list[Line] = []
        self._timer: asyncio.TimerHandle | None = None

    def add(self, request: Request, route: str, status: int, size: int, at: float, seconds: float) -> None:
        """Add one request that arrived `at` (seconds since 1970) and took `seconds`."""
        client, agent, path = request.scope.get("client"), request.fields.get(b"user-agent"), request.path
        lines = self._lines
        lines.append(
            Line(
                datetime.fromtimestamp(at, UTC),
                self._process,
                request.method,
                path if len(path) <= LONGEST_TEXT else path[:LONGEST_TEXT] + "…",
                route,
                status,
                round(seconds * 1000, 3),
                size,
                request.id,
                request.trace,
                client[0] if client else None,
                agent[:LONGEST_TEXT].decode("latin-1") if agent is not None else None,
            )
        )
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_SECONDS, self.flush)
        elif len(lines) >= _FLUSH_LINES:
            self.flush()

    def flush(self) -> None:
        """Write what has been gathered."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._lines:
            lines, self._lines = self._lines, []
            self._write(_ENCODER.encode_lines(lines))
