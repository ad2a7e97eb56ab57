"""A server in a test: any ASGI application on a free port of this machine, for clients that want a real socket."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from headwater.http import serve
from headwater.http.serving.lifespan import AsgiApp
from headwater.settings import Settings
from headwater.testing.running import RunningBackend

_BACKLOG: Final = 128


class Server:
    """A server that runs."""

    def __init__(self, listener: socket.socket, stop: asyncio.Event, serving: asyncio.Task[None]) -> None:
        self.listener = listener
        """The socket that accepts."""
        self.stop = stop
        """Set it to stop the server as SIGTERM does."""
        self.serving = serving
        """Ends with the server."""
        self.url = _url_of(listener)
        """``http://127.0.0.1:…``, without a slash at its end."""


@asynccontextmanager
async def serving(
    app: AsgiApp | RunningBackend, *, settings: Settings | None = None, listener: socket.socket | None = None
) -> AsyncIterator[Server]:
    """Serve `app` until the context ends, with the server of `headwater up`::

        async with serving(app) as server:
            urlopen(f"{server.url}/items")  # in a thread: the server runs in the loop of the test

    It is served on a free port of 127.0.0.1, or on `listener`, which is closed at the end. The lifespan of an
    application is run; a `RunningBackend` runs already. Raises the error of a failed start, and `LifespanFailed`.
    """
    listener = listener or socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG)
    stop, ready = asyncio.Event(), asyncio.Event()
    task = asyncio.create_task(
        serve(_served(app), socket=listener, settings=settings or Settings(), stop=stop, ready=ready.set)
    )
    waiting = asyncio.create_task(ready.wait())
    try:
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
        yield Server(listener, stop, task)
    finally:
        waiting.cancel()
        stop.set()
        await asyncio.gather(task, return_exceptions=True)
        listener.close()


def _url_of(listener: socket.socket) -> str:
    if listener.family == socket.AF_UNIX:
        return f"unix:{listener.getsockname()}"
    host, port = listener.getsockname()[:2]
    return f"http://{host}:{port}"


def _served(app: AsgiApp | RunningBackend) -> Any:
    """The application with `leave` and `drain`; foreign applications stop without either."""
    if isinstance(app, RunningBackend):
        return _Plain(_without_lifespan(app.backend.opened.http))
    return app if hasattr(app, "leave") and hasattr(app, "drain") else _Plain(app)


class _Plain:
    def __init__(self, app: AsgiApp) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self._app(scope, receive, send)

    def leave(self) -> None:
        """Nothing to do: there is no load balancer."""

    async def drain(self) -> None:
        """Nothing to do: a test has its responses by now, so requests in flight are aborted."""


def _without_lifespan(app: AsgiApp) -> AsgiApp:
    async def call(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            await app(scope, receive, send)

    return call
