"""Limits in Valkey: one counter over all processes, by one script and the server's clock.

One connection carries all calls of a process, pipelined. Valkey replies in the order of the calls, so a queue of calls
assigns the replies; a cancelled call stays in the queue, and its reply is discarded. A pool with one connection per
call would cost both sides about twice as much.

The client library connects, authenticates, encodes commands and reads replies. Commands are written to the transport
directly: that neither waits nor can be cancelled halfway, and a connection that hangs is aborted, not flushed.

All data there may be lost at any time; then clients have their whole burst again, and nothing else happens. All keys of
a backend have one hash tag, because in a cluster a script may only use keys of one hash slot.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha1
from importlib.resources import files
from typing import Any, Final

from headwater.engines.address import without_password
from headwater.http.limit.store import Charge, Verdict
from headwater.http.route.errors import HttpError

SECONDS: Final = 0.04
GRACE_SECONDS: Final = 0.01
"""Before a late reply counts as missing: if this process was busy, the reply is already in its socket."""
CONNECT_SECONDS: Final = 2.0

_SCRIPT: Final = files(__package__).joinpath("take.lua").read_text(encoding="utf-8")
_DIGEST: Final = sha1(_SCRIPT.encode(), usedforsecurity=False).hexdigest()


class ValkeyUnreachable(HttpError):
    """Valkey is unreachable: {reason}."""


class ValkeyStore:
    """`url` as in HEADWATER_VALKEY_URL; `prefix` distinguishes backends that share one Valkey.

    Call `connect` first. Every call raises `ValkeyUnreachable` without a reply within `seconds` and `GRACE_SECONDS`.
    """

    def __init__(self, url: str, prefix: str, *, seconds: float = SECONDS) -> None:
        import valkey.asyncio  # imported here, so only backends with Valkey pay for it, not in their first request

        self._library = valkey
        self._url = url
        self._tag = f"{{{prefix}:limits}}:"
        self._seconds = seconds
        self._connection: Any = None
        self._calls: deque[tuple[asyncio.Future[Any], float]] = (
            deque()
        )  # the calls that wait for a reply, and until when
        self._late: asyncio.Future[Any] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._reader: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        """Connect again, and load the script; raises `ValkeyUnreachable`."""
        self._drop("it is being reconnected")
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                connection = await _connect(self._url)
        except (OSError, ValueError, TimeoutError, self._library.ValkeyError) as error:
            raise self._unreachable(error) from error
        self._connection = connection
        self._reader = asyncio.create_task(self._read(connection), name="read limits from valkey")

    async def take(self, charges: Sequence[Charge]) -> Verdict:
        """Charge all or nothing, in one step of the server; raises `ValkeyUnreachable`."""
        errors = self._library.exceptions
        command: list[Any] = [len(charges), *(self._tag + each.key for each in charges)]
        for each in charges:
            command += (each.rate.interval, each.rate.depth, each.cost)
        try:
            try:
                answer = await self._ask("EVALSHA", _DIGEST, *command)
            except errors.NoScriptError:  # it was restarted, or its scripts were flushed
                answer = await self._ask("EVAL", _SCRIPT, *command)
        except errors.ResponseError as error:
            raise self._unreachable(error) from error
        return Verdict(answer[0] == 1, answer[1:])

    async def close(self) -> None:
        """Close the connection."""
        reader = self._reader
        self._drop("it is closed")
        if reader is not None:
            await asyncio.gather(reader, return_exceptions=True)

    def statistics(self) -> dict[str, Any]:
        """The number of calls that wait for a reply."""
        return {"prefix": self._tag, "waiting": len(self._calls)}

    def _ask(self, *command: Any) -> asyncio.Future[Any]:
        connection = self._connection
        if connection is None:
            raise ValkeyUnreachable(reason="there is no connection")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Any] = loop.create_future()
        deadline = loop.time() + self._seconds
        connection._writer.writelines(connection.pack_command(*command))
        self._calls.append((answer, deadline))
        if self._timer is None:
            self._timer = loop.call_at(deadline, self._look_at_the_first)
        return answer

    def _look_at_the_first(self) -> None:
        """All calls have the same timeout, so one timer serves the whole queue: the first call is the first to be
        late."""
        self._timer = None
        if not self._calls:
            return
        loop, (answer, deadline) = asyncio.get_running_loop(), self._calls[0]
        if loop.time() < deadline:
            self._timer = loop.call_at(deadline, self._look_at_the_first)
        elif self._late is not answer:
            self._late = answer
            self._timer = loop.call_later(GRACE_SECONDS, self._look_at_the_first)
        else:
            self._drop(f"no answer within {self._seconds:g} s")

    async def _read(self, connection: Any) -> None:
        """Assign each reply to the first call in the queue, until the connection ends."""
        errors = self._library.exceptions
        while True:
            try:
                found: Any = await connection.read_response()
            except errors.ResponseError as error:
                found = error
            except (OSError, errors.ValkeyError) as error:
                if connection is self._connection:
                    self._drop(_reason(error))
                return
            answer, _ = self._calls.popleft()
            if answer.done():
                continue  # its call was cancelled
            if isinstance(found, errors.ResponseError):
                answer.set_exception(found)
            else:
                answer.set_result(found)

    def _drop(self, reason: str) -> None:
        """Abort the connection; every call in the queue raises `ValkeyUnreachable`."""
        connection, self._connection = self._connection, None
        calls, self._calls = self._calls, deque()
        if self._timer is not None:
            self._timer.cancel()
        if self._reader is not None and self._reader is not asyncio.current_task():
            self._reader.cancel()  # which closes the connection
        self._timer = self._reader = self._late = None
        if connection is not None and connection._writer is not None:
            connection._writer.transport.abort()
        for answer, _ in calls:
            if not answer.done():
                answer.set_exception(ValkeyUnreachable(reason=reason))

    def _unreachable(self, error: BaseException) -> ValkeyUnreachable:
        return ValkeyUnreachable(reason=without_password(_reason(error), self._url))


async def _connect(url: str) -> Any:
    """A connection with the script loaded; raises what the client library raises, and `ValueError` for an invalid
    URL."""
    from valkey.asyncio.connection import ConnectionPool

    pool: Any = ConnectionPool.from_url(
        url, socket_timeout=None, socket_connect_timeout=CONNECT_SECONDS, retry=None, client_name="headwater-limits"
    )
    connection = pool.make_connection()
    try:
        await connection.connect()
        await connection.send_command("SCRIPT", "LOAD", _SCRIPT)
        await connection.read_response()
    except BaseException:
        with suppress(Exception):
            await connection.disconnect(nowait=True)
        raise
    return connection


def _reason(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
