"""A client of our own, for machines without wrk: ``python -m bench.client HOST PORT CONNECTIONS SECONDS FILE RUN``.

Does what `load.lua` does: keeps each connection busy with one request at a time and prints one line of JSON. It knows
as much of HTTP/1.1 as its peers send: answers with a Content-Length.
"""

import asyncio
import re
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import uvloop

from bench.process import say
from bench.traffic import Load

PATIENCE_SECONDS = 20.0
"""For the answers that are still due when the time is over."""

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Source:
    """The requests, over and over, as bytes."""

    def __init__(self, file: Path, host: str, port: int, run: str) -> None:
        headers, *lines = file.read_text().splitlines()
        common = "".join(f"{each}\r\n" for each in headers.split("\t") if each)
        self._common = f"host: {host}:{port}\r\n{common}"
        self._run = run
        self._requests = self._endless([line.split("\t") for line in lines])

    def __iter__(self) -> Iterator[bytes]:
        return self._requests

    def _endless(self, lines: list[list[str]]) -> Iterator[bytes]:
        count = 0
        while True:
            for method, path, body in lines:
                count += 1
                yield self._request(method, path, body, count).encode()

    def _request(self, method: str, path: str, body: str, count: int) -> str:
        head = f"{method} {path} HTTP/1.1\r\n{self._common}"
        if not body:
            return f"{head}\r\n"
        return (
            f'{head}content-type: application/json\r\nidempotency-key: "{self._run}-{count}"\r\n'
            f"content-length: {len(body.encode())}\r\n\r\n{body}"
        )


class Tally:
    """What came back, within the time that counts."""

    def __init__(self, until: float) -> None:
        self.until = until
        self.answered = 0
        self.failed = 0
        self.seconds: list[float] = []


class Connection(asyncio.Protocol):
    """One request at a time until the time is over; `ended` is set then."""

    def __init__(self, source: Source, tally: Tally) -> None:
        self._requests = iter(source)
        self._tally = tally
        self._received = b""
        self._sent_at = 0.0
        self.ended = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        self._received = self._received + data if self._received else data
        head = self._received.find(b"\r\n\r\n")
        if head < 0:
            return
        length = _LENGTH.search(self._received, 0, head)
        if length is None:
            raise ValueError(f"an answer without Content-Length: {self._received[:head]!r}")
        if len(self._received) >= head + 4 + int(length[1]):
            self._answered(self._received[9:10] in b"23")

    def connection_lost(self, error: Exception | None) -> None:
        if not self.ended.done():
            self._tally.failed += 1
            self.ended.set_result(None)

    def _send(self) -> None:
        self._received = b""
        self._sent_at = time.perf_counter()
        self._transport.write(next(self._requests))

    def _answered(self, good: bool) -> None:
        now, tally = time.perf_counter(), self._tally
        if now > tally.until:
            self.ended.set_result(None)
            self._transport.close()
            return
        tally.answered += 1
        tally.failed += not good
        tally.seconds.append(now - self._sent_at)
        self._send()


async def _run(host: str, port: int, connections: int, seconds: float, file: Path, run: str) -> Load:
    source, begun = Source(file, host, port, run), time.perf_counter()
    tally, loop = Tally(begun + seconds), asyncio.get_running_loop()
    open_ones = [
        (await loop.create_connection(lambda: Connection(source, tally), host, port))[1] for _ in range(connections)
    ]
    async with asyncio.timeout(seconds + PATIENCE_SECONDS):
        await asyncio.gather(*(each.ended for each in open_ones))
    cuts = statistics.quantiles(tally.seconds, n=100) if len(tally.seconds) > 1 else [0.0] * 99
    return Load(tally.answered, seconds, tally.failed, cuts[49] * 1e3, cuts[98] * 1e3)


def main() -> None:
    host, port, connections, seconds, file, run = sys.argv[1:]
    say(uvloop.run(_run(host, int(port), int(connections), float(seconds), Path(file), run)))


if __name__ == "__main__":
    main()
