"""Traffic: requests to a server for some seconds, from a client in a process of its own."""

import secrets
import shutil
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import mkstemp

import msgspec

from bench.process import run_command

CONNECTIONS = 32
_SCRIPT = Path(__file__).with_name("load.lua")


class TrafficFailed(Exception):
    """Some requests were not answered well, so the figures of the others mean nothing."""


class Load(msgspec.Struct, frozen=True):
    """What came of it; the client's CPU tells whether it was the bottleneck."""

    requests: int
    seconds: float
    failed: int
    p50_ms: float
    p99_ms: float
    client_cpu_seconds: float = 0.0


class Traffic:
    """Sends what `requests` hold (method, path, body; without a body a plain request), over and over.

    `headers` go with each of them.
    """

    def __init__(
        self,
        requests: Iterable[tuple[str, str, str]],
        folder: Path,
        *,
        headers: Sequence[tuple[str, str]] = (),
        own_client: bool = False,
    ) -> None:
        self._file = Path(mkstemp(prefix="requests-", dir=folder)[1])
        lines = [f"{method}\t{path}\t{body}\n" for method, path, body in requests]
        self._file.write_text("\t".join(f"{name}: {value}" for name, value in headers) + "\n" + "".join(lines))
        self._wrk = None if own_client else shutil.which("wrk")

    @property
    def client(self) -> str:
        """Who sends, for the table."""
        return f"{'wrk' if self._wrk else 'a client of our own'} with {CONNECTIONS} connections"

    async def send(self, port: int, seconds: float) -> Load:
        """Raises `TrafficFailed` unless every answer was a good one."""
        run = secrets.token_hex(8)
        command = self._with_wrk(port, seconds, run) if self._wrk else self._with_our_own(port, seconds, run)
        ran = await run_command(command)
        load = msgspec.json.decode(ran.output.splitlines()[-1], type=Load)
        if load.failed or not load.requests:
            raise TrafficFailed(f"{load.failed} of {load.requests} requests failed: {ran.output.decode()}")
        return msgspec.structs.replace(load, client_cpu_seconds=ran.cpu_seconds)

    def _with_wrk(self, port: int, seconds: float, run: str) -> list[str | Path]:
        assert self._wrk is not None
        return [
            self._wrk, "--threads=1", f"--connections={CONNECTIONS}", f"--duration={max(round(seconds), 1)}s",
            "--timeout=10s", f"--script={_SCRIPT}", f"http://127.0.0.1:{port}/", "--", self._file, run,
        ]  # fmt: skip

    def _with_our_own(self, port: int, seconds: float, run: str) -> list[str | Path]:
        return [
            sys.executable, "-m", "bench.client", "127.0.0.1", str(port), str(CONNECTIONS), str(seconds),
            self._file, run,
        ]  # fmt: skip
