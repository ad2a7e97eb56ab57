"""Valkey: embedded, from the wheel and in a folder of its own, or external, by its URL.

It holds a cache and the counters of rate limits. Everything in it may disappear at any time; readers then ask the
source. So the embedded one writes nothing to disk and starts empty.
"""

import asyncio
import signal
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from headwater.engines.address import shown_host, without_password
from headwater.engines.embedded import EmbeddedServer
from headwater.engines.engine import EngineNotRunning, EngineUnreachable
from headwater.engines.external import ExternalServer
from headwater.engines.process import ChildProcess
from headwater.engines.programs import find_valkey

VARIABLE = "HEADWATER_VALKEY_URL"
SOCKET = "valkey.sock"
CONNECT_SECONDS = 5.0
MEMORY_MB = 256

# allkeys-lfu: when memory is full, the least used keys are evicted, first cached responses that nobody asked for again.
# The counter of a client near its limit is used all the time and stays. volatile-ttl would evict the counters, which
# expire soonest; noeviction would refuse writes, so there would be no limits.
#
# All on the command line, because Valkey takes the path of a configuration file for a pattern, and runs with its
# defaults (no password, a TCP port) if the pattern matches nothing. The process title stays the command line, which
# names the folder: that is how a leftover server is found.
CONFIGURATION = {
    "port": "0",
    "unixsocketperm": "700",
    "save": "",
    "appendonly": "no",
    "maxmemory": f"{MEMORY_MB}mb",
    "maxmemory-policy": "allkeys-lfu",
    "set-proc-title": "no",
}


class EmbeddedValkey(EmbeddedServer):
    """One server, reachable by a unix socket only, that keeps nothing when it stops."""

    name = "valkey"
    program = "valkey-server"
    variable = VARIABLE
    socket_name = SOCKET
    steps = ((signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0))
    death_signal = signal.SIGTERM
    ready_seconds = 30.0

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._program: Path | None = None
        self._socket = Path()

    async def _prepare(self, sockets: Path) -> None:
        self._make_data()
        self._socket = sockets / SOCKET

    def _command(self, sockets: Path) -> Sequence[str | Path]:
        settings = {**CONFIGURATION, "unixsocket": str(self._socket), "dir": str(self.data.resolve())}
        return [self._found(), *(part for name, value in settings.items() for part in (f"--{name}", value))]

    def _paths(self) -> Sequence[Path]:
        return [self.data]

    async def _is_ready(self, process: ChildProcess) -> bool:
        return await _pongs(self._socket)

    async def _finish(self) -> None:
        """Nothing to do: it starts empty."""

    def _url(self, sockets: Path) -> str:
        return _socket_url(sockets / SOCKET)

    def _make_data(self) -> None:
        self.data.mkdir(mode=0o700, exist_ok=True)
        if self._account is not None:
            self._account.own(self.data)

    def _found(self) -> Path:
        if self._program is None:
            self._program = find_valkey()
        return self._program


class ExternalValkey(ExternalServer):
    """The server at `url`: ``redis://``, ``rediss://``, ``valkey://``, ``valkeys://`` or ``unix://``."""

    name = "valkey"

    async def start(self) -> None:
        """Raises `EngineUnreachable`, naming the host and the cause."""
        if refusal := await ask_valkey(self.url):
            raise EngineUnreachable(engine="Valkey", host=shown_host(self.url), reason=refusal)


async def ask_valkey(url: str) -> str | None:
    """None if it responds, else the cause, without the password of `url`."""
    import valkey.asyncio as client  # imported only for an external server

    try:
        connection = client.Valkey.from_url(
            url, socket_connect_timeout=CONNECT_SECONDS, socket_timeout=CONNECT_SECONDS, retry=None
        )
        try:
            await connection.ping()
        finally:
            await connection.aclose()
    except (OSError, ValueError, client.ValkeyError) as error:
        return without_password(" ".join(str(error).split()) or type(error).__name__, url)
    return None


def running_valkey_url(folder: Path) -> str:
    """The URL of the Valkey that another process runs in `folder`; raises `EngineNotRunning`."""
    sockets = folder.absolute() / "run"
    if not (sockets / SOCKET).exists():
        raise EngineNotRunning(engine="valkey", folder=folder, variable=VARIABLE)
    return _socket_url((sockets.readlink() if sockets.is_symlink() else sockets) / SOCKET)


async def _pongs(path: Path) -> bool:
    """Whether a server at the socket `path` responds to PING (Valkey protocol, inline commands)."""
    try:
        reader, writer = await asyncio.open_unix_connection(path)
    except OSError:
        return False
    try:
        writer.write(b"PING\r\n")
        return (await reader.readline()).startswith(b"+PONG")
    except OSError:
        return False
    finally:
        writer.close()


def _socket_url(path: Path) -> str:
    return f"unix://{quote(str(path), safe='/')}"
