"""The listening socket: bound once by the supervisor and inherited by every web worker.

The socket outlives each worker, so a connection that waits while one ends is accepted by the next.
"""

import errno
import socket

from headwater.settings import Settings
from headwater.supervisor.errors import AddressUnusable, PortInUse

BACKLOG = 2048
METRICS_OFFSET = 10_000
"""The metrics port is the HTTP port plus this, so backends that run side by side need to set only one."""

_LAST_PORT = 65_535


def open_listener(host: str, port: int) -> socket.socket:
    """A TCP socket that listens on `host` and `port` (0: a free one).

    Raises `PortInUse`, or `AddressUnusable` for an address that cannot be resolved or bound.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE | socket.AI_NUMERICSERV
        )[0]
        return socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except socket.gaierror as error:
        raise AddressUnusable(host=host, port=port, reason=error.strerror) from None
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortInUse(host=host, port=port) from None
        raise AddressUnusable(host=host, port=port, reason=error.strerror or str(error)) from None


def metrics_port(settings: Settings) -> int | None:
    """The port of the metrics: the setting, or one next to the HTTP port; None for none, 0 for a free one."""
    if settings.metrics_port is not None:
        return settings.metrics_port or None
    if settings.port == 0:
        return 0
    port = settings.port + METRICS_OFFSET
    return port if port <= _LAST_PORT else settings.port - METRICS_OFFSET


def url_of(listener: socket.socket) -> str:
    """The URL for a browser on this machine."""
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::"):
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
