"""The server: Granian, embedded in this process's loop, on a socket that is already listening.

Granian creates its own sockets; a subclass passes ours, so the parent process can keep connections in the socket's
backlog while a worker is replaced. The application's lifespan is run here and not by Granian, which would not report
the reason of a failed start.
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
"""Timeout of the head of a request, and of an idle connection. It exceeds the 60 seconds after which load balancers
close idle connections, so none sends a request into a connection that is being closed."""
HEAD_BYTES: Final = 131_072
"""Maximum bytes of the head of a request. A larger head, or more than 100 fields, is a 431; a target above 64 KiB is a
414. The server sends both itself, so without a problem."""
CONNECTIONS: Final = 16_384
"""Maximum concurrent connections of one worker; further ones wait in the socket's backlog."""

_ABORT_SECONDS: Final = 2.0
_OTHER_DESCRIPTORS: Final = 1024


class ServerEnded(HttpError):
    """The server stopped unexpectedly."""


class Served(Protocol):
    """An ASGI application that can be drained."""

    def __call__(self, scope: Any, receive: Any, send: Any) -> Awaitable[None]: ...

    def leave(self) -> None:
        """Report at /readyz that requests should go elsewhere."""

    async def drain(self) -> None:
        """Wait until no request is in flight, with a timeout."""


async def serve(
    app: Served,
    *,
    socket: socket.socket,
    settings: Settings,
    stop: asyncio.Event,
    ready: Callable[[], None] | None = None,
) -> None:
    """Serve `app` on a listening TCP or unix socket until `stop` is set, then shut down gracefully.

    The order: readiness responds with 503; after `balancer_seconds` no connection is accepted; requests in flight have
    `drain_seconds`. `ready` is called once requests are served. The caller keeps the socket. Raises `LifespanFailed` if
    the application cannot start, and `ServerEnded`.
    """
    _allow_connections()
    _end_unread(socket, settings.send_seconds)
    lifespan = Lifespan(app)
    await lifespan.start()
    gc.collect()
    gc.freeze()  # loaded modules stay, so the collector need not scan them
    try:
        await _serve_until(stop, app, _server(app, socket), settings, ready)
    finally:
        await lifespan.stop()


def _allow_connections() -> None:
    """Raise the limit of file descriptors as far as the system allows: each connection needs one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS + _OTHER_DESCRIPTORS if hard == resource.RLIM_INFINITY else hard
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _end_unread(listening: socket.socket, seconds: float) -> None:
    """Let the system close a connection whose peer receives nothing for `seconds` (tcp(7), TCP_USER_TIMEOUT).

    Accepted connections inherit it. It covers data that is not acknowledged, and data that cannot be sent because the
    peer's window is closed. A server cannot end such a connection otherwise, since its writes only wait.
    """
    if listening.family != socket.AF_UNIX and hasattr(socket, "TCP_USER_TIMEOUT"):
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(seconds * 1000))


async def _serve_until(
    stop: asyncio.Event, app: Served, server: Any, settings: Settings, ready: Callable[[], None] | None
) -> None:
    serving = asyncio.create_task(server.serve(), name="serve http")
    stopping = asyncio.create_task(stop.wait(), name="wait for stop")
    try:
        await asyncio.sleep(0)  # the task has started to accept
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
            own = os.dup(listening.fileno())  # Granian closes the descriptor
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
