"""The access log: one JSON line per request, on the same stream as the log.

====================  =========================================================================
``at``                when the request arrived, RFC 3339 in UTC
``level, event``      ``info`` and ``Request``; `process` is the one that answered
``method, path``      as sent; the query string is left out, since that is where secrets stray
``route``             the template, ``/orders/{id}``; ``unmatched`` for a path that has none
``status``            499 if the client went away before there was a response
``ms``                milliseconds until the response was handed to the server
``bytes``             of the response's body
``request_id``        as in the response's X-Request-Id and in every problem
``trace_id``          of the trace that the request belongs to
``principal``         who asked, if the route needed to know and it was known
``client, agent``     the address of the connection, and User-Agent
====================  =========================================================================

A request only records its facts; they are written as lines at most every 100 ms.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from headwater.http.message.request import Request

FLUSH_SECONDS: Final = 0.1
LONGEST_TEXT: Final = 512

_FLUSH_LINES: Final = 4096
_ENCODER: Final = msgspec.json.Encoder()


class AccessEntry(msgspec.Struct, gc=False):
    """One request; see the module for the fields."""

    at: str
    level: str
    process: str
    event: str
    method: str
    path: str
    route: str
    status: int
    ms: float
    bytes: int
    request_id: str
    trace_id: str
    principal: str | None
    client: str | None
    agent: str | None


class AccessLog:
    """Collects the requests served by `process` for `write`, which receives whole lines and must not block."""

    def __init__(self, process: str, write: Callable[[bytes], Any]) -> None:
        self._process = process
        self._write = write
        self._gathered: list[tuple[Any, ...]] = []
        self._timer: asyncio.TimerHandle | None = None

    def add(self, request: Request, route: str, status: int, size: int, at: float, seconds: float) -> None:
        """Add one request that arrived `at` (seconds since 1970) and took `seconds`."""
        client, agent = request.scope.get("client"), request.fields.get(b"user-agent")
        facts = (at, request.method, request.path, route, status, seconds, size)
        self._gathered.append((*facts, request.id, request.trace, request.principal, client, agent))
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_SECONDS, self.flush)
        elif len(self._gathered) >= _FLUSH_LINES:
            self.flush()

    def flush(self) -> None:
        """Write the collected lines."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._gathered:
            gathered, self._gathered = self._gathered, []
            self._write(_ENCODER.encode_lines(list(_lines(self._process, gathered))))


def _lines(process: str, gathered: Iterable[tuple[Any, ...]]) -> Iterator[AccessEntry]:
    second, prefix = -1, ""
    for at, method, path, route, status, seconds, size, request_id, trace_id, principal, client, agent in gathered:
        if int(at) != second:
            second = int(at)
            prefix = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        yield AccessEntry(
            f"{prefix}.{int(at % 1 * 1000):03}Z",
            "info",
            process,
            "Request",
            method,
            path if len(path) <= LONGEST_TEXT else path[:LONGEST_TEXT] + "…",
            route,
            status,
            round(seconds * 1000, 3),
            size,
            request_id,
            trace_id,
            principal.id if principal is not None else None,
            client[0] if client else None,
            None if agent is None else agent[:LONGEST_TEXT].decode("latin-1"),
        )
