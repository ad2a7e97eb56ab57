"""Servers side by side: Headwater's web worker and its peers, each one process on a socket of its own."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.util import find_spec
from pathlib import Path

import msgspec

from bench.lab import Lab, open_listener
from bench.ours.product import product_child
from bench.process import PythonChild, cpu_seconds
from bench.row import Sample
from bench.traffic import Traffic
from headwater.settings import Settings

START_SECONDS = 30.0
WSGI_THREADS = 10
"""As many as a web worker has connections to PostgreSQL: a thread of Django's has one."""
WSGI_CONNECTIONS = 100


class Server(msgspec.Struct, frozen=True):
    """One that serves now."""

    side: str
    pid: int
    port: int

    async def measure(self, traffic: Traffic, seconds: float) -> Sample:
        """Requests a second, the server's CPU for each, and how busy server and client were (1 is one core)."""
        before = cpu_seconds(self.pid)
        load = await traffic.send(self.port, seconds)
        used = cpu_seconds(self.pid) - before
        return Sample(
            side=self.side,
            value=load.requests / load.seconds,
            unit="requests/s",
            facts={
                "cpu_us": used / load.requests * 1e6,
                "p50_ms": load.p50_ms,
                "p99_ms": load.p99_ms,
                "busy": used / load.seconds,
                "client_busy": load.client_cpu_seconds / load.seconds,
            },
        )

    def measuring(self, traffic: Traffic, seconds: float) -> Callable[[], Awaitable[Sample]]:
        """`measure`, to be called without arguments."""
        return lambda: self.measure(traffic, seconds)


@asynccontextmanager
async def framework_servers(url: str, lab: Lab, module: str) -> AsyncIterator[list[Server]]:
    """The frameworks that are installed, each with its `module`; Django has one for all."""
    async with AsyncExitStack() as stack:
        servers = []
        for side, (package, serve, app) in _FRAMEWORKS.items():
            if find_spec(package) is None:
                lab.tell(f"  {side} is not installed and is left out; `make bench` installs it")
                continue
            servers.append(await stack.enter_async_context(serve(side, app.format(module), url)))
        yield servers


@asynccontextmanager
async def headwater_server(side: str, backend: str, settings: Settings, folder: Path) -> AsyncIterator[Server]:
    """A web worker of the product."""
    with open_listener() as listener:
        async with product_child("web", backend, settings, folder, listener) as pid:
            yield Server(side, pid, listener.getsockname()[1])


@asynccontextmanager
async def peer_server(side: str, app: str, url: str) -> AsyncIterator[Server]:
    """A peer, ``module:name``; raises `TimeoutError` if it does not answer."""
    with open_listener() as listener:
        descriptor = listener.fileno()
        environ = {**os.environ, "HEADWATER_POSTGRES_URL": url}
        async with PythonChild(
            "bench.peers.serve", app, str(descriptor), inherited=[descriptor], environ=environ
        ) as child:
            await _wait_served(listener.getsockname()[1])
            yield Server(side, child.pid, listener.getsockname()[1])


@asynccontextmanager
async def wsgi_server(side: str, app: str, url: str) -> AsyncIterator[Server]:
    """A synchronous peer, ``module:name``, in Gunicorn: one worker process, with a thread for each connection."""
    with open_listener() as listener:
        descriptor = listener.fileno()
        environ = {**os.environ, "HEADWATER_POSTGRES_URL": url}
        async with PythonChild(
            "gunicorn", app, f"--bind=fd://{descriptor}", "--workers=1", "--worker-class=gthread",
            f"--threads={WSGI_THREADS}", f"--worker-connections={WSGI_CONNECTIONS}", "--keep-alive=75",
            "--log-level=error", inherited=[descriptor], environ=environ,
        ) as child:  # fmt: skip
            await _wait_served(listener.getsockname()[1])
            yield Server(side, _only_child_of(child.pid), listener.getsockname()[1])


def _only_child_of(pid: int) -> int:
    """The worker; the process above it only watches."""
    (child,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(child)


_FRAMEWORKS = {
    "FastAPI": ("fastapi", peer_server, "bench.peers.fastapi_{}:app"),
    "Litestar": ("litestar", peer_server, "bench.peers.litestar_{}:app"),
    "DRF": ("gunicorn", wsgi_server, "bench.peers.drf.wsgi:application"),
}


async def _wait_served(port: int) -> None:
    """Until a request is answered, however: it waits in the socket's queue while nobody serves it."""
    async with asyncio.timeout(START_SECONDS):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        await reader.readline()
        writer.close()
