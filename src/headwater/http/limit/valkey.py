"""Limits in Valkey: one count over all processes, by one script and the server's own clock.

One connection carries all calls of a process, one after the other without waiting in between (pipelining). Valkey
answers in the order in which it was asked, so answers find their calls by standing in line; a call that was given up
keeps its place, and its answer is thrown away. A pool with a connection for each call under way costs both sides about
twice as much.

The client's library connects, authenticates, writes commands and reads answers. What is sent goes to the transport
itself: that neither waits nor can be cancelled halfway, and a connection that hangs is cut off, not flushed.

Of what is kept there everything may vanish at any time: then a client is forgiven what it has used, and no more. All
keys of a backend have one hash tag, because in a cluster a script may only touch keys of one slot.
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
"""For a second look at an answer that is late, because it may be this process that was: then it is already there."""
CONNECT_SECONDS: Final = 2.0

_SCRIPT: Final = files(__package__).joinpath("take.lua").read_text(encoding="utf-8")
_DIGEST: Final = sha1(_SCRIPT.encode(), usedforsecurity=False).hexdigest()


class ValkeyUnreachable(HttpError):
    """Valkey is unreachable: {reason}."""


class ValkeyStore:
    """`url` as in HEADWATER_VALKEY_URL; `prefix` tells the backends in one Valkey apart.

    `connect` first. Every call raises `ValkeyUnreachable` if there is no answer within `seconds` and a little.
    """

    def __init__(self, url: str, prefix: str, *, seconds: float = SECONDS) -> None:
        import valkey.asyncio  # only those who count there pay for this import, and not in their first request

        self._library = valkey
        self._url = url
        self._tag = f"{{{prefix}:limits}}:"
        self._seconds = seconds
        self._connection: Any = None
        self._line: deque[tuple[asyncio.Future[Any], float]] = deque()  # who waits for an answer, and until when
        self._late: asyncio.Future[Any] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._reader: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        """Make the connection anew, and have the script loaded; raises `ValkeyUnreachable`."""
        self._drop("it is connected to anew")
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                connection = await _connect(self._url)
        except (OSError, ValueError, TimeoutError, self._library.ValkeyError) as error:
            raise self._away(error) from error
        self._connection = connection
        self._reader = asyncio.create_task(self._read(connection), name="read limits from valkey")

    async def take(self, charges: Sequence[Charge]) -> Verdict:
        """Charge all or nothing, in one step of the server; raises `ValkeyUnreachable`."""
        errors = self._library.exceptions
        command: list[Any] = [len(charges), *(self._tag + each.key for each in charges)]
        for each in charges:
            command += (each.pace.interval, each.pace.depth, each.cost)
        try:
            try:
                answer = await self._ask("EVALSHA", _DIGEST, *command)
            except errors.NoScriptError:  # it was started anew behind its address, or somebody flushed its scripts
                answer = await self._ask("EVAL", _SCRIPT, *command)
        except errors.ResponseError as error:
            raise self._away(error) from error
        return Verdict(answer[0] == 1, answer[1:])

    async def close(self) -> None:
        """Close the connection."""
        reader = self._reader
        self._drop("it is closed")
        if reader is not None:
            await asyncio.gather(reader, return_exceptions=True)

    def statistics(self) -> dict[str, Any]:
        """How many calls wait for their answers."""
        return {"prefix": self._tag, "waiting": len(self._line)}

    def _ask(self, *command: Any) -> asyncio.Future[Any]:
        connection = self._connection
        if connection is None:
            raise ValkeyUnreachable(reason="there is no connection")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Any] = loop.create_future()
        deadline = loop.time() + self._seconds
        connection._writer.writelines(connection.pack_command(*command))
        self._line.append((answer, deadline))
        if self._timer is None:
            self._timer = loop.call_at(deadline, self._look_at_the_first)
        return answer

    def _look_at_the_first(self) -> None:
        """All wait for the same length, so one timer serves the whole line: its first is the first to be late."""
        self._timer = None
        if not self._line:
            return
        loop, (answer, deadline) = asyncio.get_running_loop(), self._line[0]
        if loop.time() < deadline:
            self._timer = loop.call_at(deadline, self._look_at_the_first)
        elif self._late is not answer:
            self._late = answer
            self._timer = loop.call_later(GRACE_SECONDS, self._look_at_the_first)
        else:
            self._drop(f"no answer within {self._seconds:g} s")

    async def _read(self, connection: Any) -> None:
        """Hand each answer to whoever stands first in line, until the connection ends."""
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
            answer, _ = self._line.popleft()
            if answer.done():
                continue  # its call was cancelled
            if isinstance(found, errors.ResponseError):
                answer.set_exception(found)
            else:
                answer.set_result(found)

    def _drop(self, reason: str) -> None:
        """Cut the connection; whoever is in line learns that Valkey is away."""
        connection, self._connection = self._connection, None
        line, self._line = self._line, deque()
        if self._timer is not None:
            self._timer.cancel()
        if self._reader is not None and self._reader is not asyncio.current_task():
            self._reader.cancel()  # which lets the connection go
        self._timer = self._reader = self._late = None
        if connection is not None and connection._writer is not None:
            connection._writer.transport.abort()
        for answer, _ in line:
            if not answer.done():
                answer.set_exception(ValkeyUnreachable(reason=reason))

    def _away(self, error: BaseException) -> ValkeyUnreachable:
        return ValkeyUnreachable(reason=without_password(_reason(error), self._url))


async def _connect(url: str) -> Any:
    """A connection that knows the script; raises what the client raises, and `ValueError` for a URL that is none."""
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
