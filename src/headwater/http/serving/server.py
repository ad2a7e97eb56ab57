"""The server: Granian, embedded in this process's loop, on a socket that is already listening.

Granian makes its own sockets; a subclass hands it ours, so that whoever started this process can keep connections
waiting in the socket's queue while a worker is replaced. The application's lifespan is run here and not by Granian,
which would keep the reason of a failed start to itself.
"""

import asyncio
import gc
import os
import resource
import socket
from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol

from headwater.http.route.errors import HttpError
from headwater.http.serving.lifespan import Lifespan
from headwater.settings import Settings

HEADER_SECONDS: Final = 75
"""Seconds for the head of a request to arrive, and for an idle connection: more than the 60 after which load balancers
give up theirs, so that none sends a request into a connection that is just being closed."""
HEAD_BYTES: Final = 131_072
"""Bytes that the head of a request may have; beyond, or with more than 100 fields, it is answered with 431, by the
server itself and so without a problem; and a target of more than 64 KiB with 414."""
CONNECTIONS: Final = 16_384
"""Connections that one worker holds at once; what comes beyond waits in the socket's queue."""

_ABORT_SECONDS: Final = 2.0
_OTHER_DESCRIPTORS: Final = 1024


class ServerEnded(HttpError):
    """The server stopped unexpectedly."""


class Served(Protocol):
    """An ASGI application that can be left and drained."""

    def __call__(self, scope: Any, receive: Any, send: Any) -> Awaitable[None]: ...

    def leave(self) -> None:
        """Report at /readyz that requests should go elsewhere."""

    async def drain(self) -> None:
        """Wait until no request is in flight, within limits."""


async def serve(
    app: Served,
    *,
    socket: socket.socket,
    settings: Settings,
    stop: asyncio.Event,
    ready: Callable[[], None] | None = None,
) -> None:
    """Serve `app` on a listening TCP or unix socket until `stop` is set, then end in order.

    The order: readiness says 503; after `balancer_seconds` nothing more is accepted; requests in flight have
    `drain_seconds`. `ready` is called once requests are answered. The socket stays the caller's. Raises
    `LifespanFailed` if the application cannot start, and `ServerEnded`.
    """
    _allow_connections()
    _end_unread(socket, settings.send_seconds)
    lifespan = Lifespan(app)
    await lifespan.start()
    gc.collect()
    gc.freeze()  # what was loaded stays; the collector need not look at it again and again
    try:
        await _serve_until(stop, app, _server(app, socket), settings, ready)
    finally:
        await lifespan.stop()


def _allow_connections() -> None:
    """Each connection is a descriptor; take as many as the system lets this process have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS + _OTHER_DESCRIPTORS if hard == resource.RLIM_INFINITY else hard
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _end_unread(listening: socket.socket, seconds: float) -> None:
    """Let the system close a connection whose other end takes nothing for so long (tcp(7), TCP_USER_TIMEOUT).

    Accepted connections inherit it. It counts what was sent and not acknowledged, and what cannot be sent because the
    other end's window is closed; a server has no other way to end such a connection, since its own writes just wait.
    """
    if listening.family != socket.AF_UNIX and hasattr(socket, "TCP_USER_TIMEOUT"):
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(seconds * 1000))


async def _serve_until(
    stop: asyncio.Event, app: Served, server: Any, settings: Settings, ready: Callable[[], None] | None
) -> None:
    serving = asyncio.create_task(server.serve(), name="serve http")
    stopping = asyncio.create_task(stop.wait(), name="wait for stop")
    try:
        await asyncio.sleep(0)  # the task has begun to accept
        if ready is not None:
            ready()
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            serving.result()
            raise ServerEnded
        await _end(app, server, serving, settings)
    finally:
        serving.cancel()
        stopping.cancel()
        await asyncio.gather(serving, stopping, return_exceptions=True)


async def _end(app: Served, server: Any, serving: asyncio.Task[None], settings: Settings) -> None:
    app.leave()
    await asyncio.sleep(settings.balancer_seconds)
    server.stop()
    await app.drain()
    await asyncio.wait({serving}, timeout=_ABORT_SECONDS)


def _server(app: Served, listening: socket.socket) -> Any:
    from granian._granian import SocketHolder
    from granian.constants import HTTPModes, Interfaces
    from granian.http import HTTP1Settings
    from granian.server.embed import Server

    class OnOurSocket(Server):  # type: ignore[misc]
        def _init_shared_socket(self) -> None:
            own = os.dup(listening.fileno())  # Granian closes what it is given
            self._ssp = None
            self._shd = SocketHolder(own, listening.family == socket.AF_UNIX, CONNECTIONS)  # type: ignore[call-arg]

    return OnOurSocket(
        app,
        interface=Interfaces.ASGINL,
        http=HTTPModes.http1,
        backlog=CONNECTIONS,
        backpressure=CONNECTIONS,
        log_enabled=False,
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_SECONDS * 1000, max_buffer_size=HEAD_BYTES),
    )
