"""The server: Granian, embedded in this process's loop, on a socket that is already listening.

Granian makes its own sockets; the subclass hands it ours, so that whoever started this process can keep connections
waiting in the queue of the socket while a worker is replaced.
"""

import asyncio
import gc
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final, Protocol

from headwater.settings import Settings

HEADER_SECONDS: Final = 10
BACKLOG: Final = 1024

_ABORT_SECONDS: Final = 2.0


class Served(Protocol):
    """An ASGI application that can be left and drained."""

    def __call__(self, scope: Any, receive: Any, send: Any) -> Awaitable[None]: ...

    def leave(self) -> None:
        """Say that requests should go elsewhere."""

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
    """Serve `app` on a listening TCP or unix socket until `stop` is set; then leave, drain and return.

    The order of ending: readiness says 503; after `balancer_seconds` nothing more is accepted; requests in flight have
    `drain_seconds`. `ready` is called once the application has started. Raises what the application's lifespan raises.
    """
    server = _server(app, socket, ready)
    serving = asyncio.create_task(server.serve(), name="serve http")
    stopping = asyncio.create_task(stop.wait(), name="wait for stop")
    gc.collect()
    gc.freeze()  # what was loaded stays; the collector need not look at it again and again
    try:
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not serving.done():
            await _end(app, server, settings)
            await asyncio.wait({serving}, timeout=_ABORT_SECONDS)
        if serving.done():
            serving.result()
    finally:
        for task in (serving, stopping):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def _end(app: Served, server: Any, settings: Settings) -> None:
    app.leave()
    await asyncio.sleep(settings.balancer_seconds)
    server.stop()
    await app.drain()


def _server(app: Served, listening: socket.socket, ready: Callable[[], None] | None) -> Any:
    from granian._granian import SocketHolder
    from granian.constants import HTTPModes, Interfaces
    from granian.http import HTTP1Settings
    from granian.server.embed import Server

    class OnOurSocket(Server):  # type: ignore[misc]
        def _init_shared_socket(self) -> None:
            self._ssp = None
            self._shd = SocketHolder(listening.fileno(), listening.family == socket.AF_UNIX, BACKLOG)  # type: ignore[call-arg]

    return OnOurSocket(
        app,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,
        backlog=BACKLOG,
        log_enabled=False,
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_SECONDS * 1000),
    )
