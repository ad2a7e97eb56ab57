"""An export of 1,000,000 rows as NDJSON over HTTP, against COPY of the same rows; and the memory that it takes."""

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import asyncpg

from apps.directory.people import PERSON
from bench.directory import BACKEND, directory_database
from bench.lab import Lab
from bench.process import cpu_seconds, peak_memory_mb
from bench.row import RATIO, Goal, Result, Row, Sample, Sense
from bench.servers import Server, framework_servers, headwater_server
from headwater.settings import Settings

EXPORT = Row(
    name="export",
    work="export of 1,000,000 rows as NDJSON over HTTP",
    against="`COPY … TO STDOUT` of the same rows, received by asyncpg",
    goal=Goal(Sense.AT_LEAST, 0.40, RATIO),
    tried=(
        "Rows as objects, encoded by msgspec in chunks: 0.2. PostgreSQL writes the lines; a JSON line is 1.7 times as "
        "long as one of COPY's, and writing it is three times the work."
    ),
)
MEMORY = Row(
    name="export-memory",
    work="the same: memory of the web worker above what it had before",
    against="",
    goal=Goal(Sense.AT_MOST, 40, "MB"),
)
_SAME = "the same, all sides over HTTP"
FASTAPI = Row(
    name="export-fastapi",
    work=_SAME,
    against="FastAPI streaming the same lines from a cursor of asyncpg",
    goal=Goal(Sense.AT_LEAST, 1.0, RATIO),
)
LITESTAR = Row(
    name="export-litestar", work=_SAME, against="Litestar doing the same", goal=Goal(Sense.AT_LEAST, 1.0, RATIO)
)
DRF = Row(
    name="export-drf",
    work=_SAME,
    against="Django streaming the same lines from a cursor of psycopg",
    goal=Goal(Sense.AT_LEAST, 1.0, RATIO),
)
ROWS = (EXPORT, MEMORY, FASTAPI, LITESTAR, DRF)

PEOPLE = 1_000_000

_PEERS = {"FastAPI": FASTAPI, "Litestar": LITESTAR, "DRF": DRF}

_REQUEST = b"GET /people/export HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
_BLOCK = 256 * 1024
_ROW = b'{"id":'


async def measure(lab: Lab) -> list[Result]:
    people = lab.size(PEOPLE)
    async with AsyncExitStack() as stack:
        databases = await stack.enter_async_context(lab.postgres())
        url = await stack.enter_async_context(directory_database(databases, people))
        folder = stack.enter_context(lab.part("export"))
        ours = await stack.enter_async_context(
            headwater_server("Headwater", BACKEND, Settings(postgres_url=url), folder)
        )
        peers = await stack.enter_async_context(framework_servers(url, lab, "lists"))
        before = peak_memory_mb(ours.pid)
        sides = {"Headwater": _exporting(ours, people), "COPY": _copying(url, people)}
        samples = await lab.run({**sides, **{peer.side: _exporting(peer, people) for peer in peers}})
        more = peak_memory_mb(ours.pid) - before
    memory = Sample(side="web worker, peak above the start", value=more, unit="MB", facts={"before_MB": before})
    lab.show(memory)
    results = [lab.compare(EXPORT, samples["Headwater"], samples["COPY"]), lab.judge(MEMORY, [memory])]
    return results + [lab.compare(_PEERS[peer.side], samples["Headwater"], samples[peer.side]) for peer in peers]


def _exporting(server: Server, people: int) -> Callable[[], Awaitable[Sample]]:
    async def run() -> Sample:
        used, begun = cpu_seconds(server.pid), time.perf_counter()
        rows, size = await asyncio.to_thread(_receive, server.port)
        seconds = time.perf_counter() - begun
        assert rows == people, f"{rows} of {people} rows came"
        facts = {"seconds": seconds, "MB": size / 1e6, "worker_cpu_s": cpu_seconds(server.pid) - used}
        return Sample(side=server.side, value=rows / seconds, unit="rows/s", facts=facts)

    return run


def _receive(port: int) -> tuple[int, int]:
    """How many rows and bytes come, to the proper end."""
    rows = size = 0
    rest = b""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(_REQUEST)
        while block := connection.recv(_BLOCK):
            size += len(block)
            rows += (rest + block).count(_ROW)
            rest = block[-(len(_ROW) - 1) :]
    assert rest.endswith(b"\r\n\r\n"), "the transfer was broken off"
    return rows, size


def _copying(url: str, people: int) -> Callable[[], Awaitable[Sample]]:
    async def run() -> Sample:
        size = 0

        async def take(data: bytes) -> None:
            nonlocal size
            size += len(data)

        connection = await asyncpg.connect(url)
        begun = time.perf_counter()
        tag = await connection.copy_from_query(f"select {PERSON} from directory.person", output=take)
        seconds = time.perf_counter() - begun
        await connection.close()
        assert tag == f"COPY {people}", tag
        facts = {"seconds": seconds, "MB": size / 1e6}
        return Sample(side="COPY", value=people / seconds, unit="rows/s", facts=facts)

    return run
