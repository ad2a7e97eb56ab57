"""The server of /metrics, on a port of its own. It runs in threads, so it responds while an event loop is blocked.

It is meant for Prometheus in a private network, not for the public. It has one path, HTTP/1.0, a bounded number of
connections, and a timeout for each.
"""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from headwater.observe.errors import FolderBusy, PortUnusable
from headwater.observe.folder import join_metrics
from headwater.observe.metrics import Metrics

PATH: Final = "/metrics"
CONNECTIONS: Final = 16
"""Connections at once. Further ones are closed without a response."""
CONNECTION_SECONDS: Final = 10.0
"""The timeout for reading the request, and for each write of the response."""

Expose = Callable[[str], tuple[str, bytes]]
"""From an Accept header to content type and text; raises `FolderBusy`."""


class MetricsServer:
    """Serves the text of `expose` on a listening socket, and closes the socket at the end."""

    def __init__(self, listener: socket.socket, expose: Expose) -> None:
        self._server = _Server(listener, expose)
        self._thread = threading.Thread(target=self._server.serve_forever, name="headwater-metrics", daemon=True)

    def start(self) -> None:
        """Serve from now on."""
        self._thread.start()

    def close(self) -> None:
        """Accept no more connections. Responses under way are finished by their own threads."""
        with suppress(OSError):
            self._server.socket.shutdown(
                socket.SHUT_RDWR
            )  # wakes the thread, which otherwise notices the shutdown late
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def open_port(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """A listening TCP socket (port 0: a free one). Several processes can listen on a `shared` port.

    Raises `PortUnusable`.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE | socket.AI_NUMERICSERV
        )[0]
        return socket.create_server(address[:2], family=family, backlog=CONNECTIONS, reuse_port=shared)
    except socket.gaierror as error:
        raise PortUnusable(host=host, port=port, reason=error.strerror) from None
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else error
        raise PortUnusable(host=host, port=port, reason=reason) from None


@contextmanager
def own_metrics(process: str, home: Path, host: str, port: int) -> Iterator[Metrics]:
    """The metrics of a process without a supervisor, served until the context ends.

    Several such processes may share `home` and port; each serves the metrics of all. Raises `PortUnusable`.
    """
    listener = open_port(host, port, shared=True)
    metrics = join_metrics(process, home)
    server = MetricsServer(listener, metrics.expose)
    server.start()
    try:
        yield metrics
    finally:
        server.close()
        metrics.close()


class _Server(ThreadingHTTPServer):
    """Uses a socket that listens already; its threads end with the process."""

    block_on_close = False

    def __init__(self, listener: socket.socket, expose: Expose) -> None:
        super().__init__(listener.getsockname()[:2], _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.expose = expose
        self.exposing = threading.Lock()
        self._room = threading.BoundedSemaphore(CONNECTIONS)

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._room.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:  # the system cannot start another thread
            self._room.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignored: the client has closed the connection."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = CONNECTION_SECONDS

    def do_GET(self) -> None:
        if self.path.partition("?")[0] != PATH:
            return self._answer(404, "text/plain; charset=utf-8", f"Only {PATH} is served here.\n".encode())
        try:
            with self.server.exposing:  # one at a time, since it costs CPU; those that wait get newer figures
                content_type, text = self.server.expose(self.headers.get("Accept", ""))
        except FolderBusy as error:
            return self._answer(503, "text/plain; charset=utf-8", f"{error}\n".encode())
        self._answer(200, content_type, text)

    do_HEAD = do_GET

    def _refuse(self) -> None:
        self._answer(405, "text/plain; charset=utf-8", b"Only GET and HEAD are allowed.\n", {"Allow": "GET, HEAD"})

    do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _refuse

    def _answer(self, status: int, content_type: str, body: bytes, fields: dict[str, str] | None = None) -> None:
        self.send_response(status)
        common = {"Content-Type": content_type, "Content-Length": str(len(body)), "Cache-Control": "no-store"}
        for name, value in {**common, "X-Content-Type-Options": "nosniff", **(fields or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def version_string(self) -> str:
        return "headwater"

    def log_message(self, format: str, *arguments: Any) -> None:
        """Scrapes are not logged."""
