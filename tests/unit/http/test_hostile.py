"""Clients that mean harm, on real sockets: meanwhile others are served, and memory stays where it was."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from headwater.commit import Tx
from headwater.http import Response
from headwater.http.serving import server as serving
from headwater.settings import Settings
from headwater.testing import eventually
from tests.unit.http.support import Built, build, command, query
from tests.unit.http.wire import Running, running

MIB = 1 << 20
TWO_GB = 2_000_000_000
PROMPT_SECONDS = 1.0
"""Within which everybody else is answered; without load it takes a millisecond or two."""
MEMORY = 48 * MIB
"""By which this process, server and clients, may grow while a hostile client is at work."""
SETTINGS = Settings(body_seconds=1.0, send_seconds=1.0, drain_seconds=1.0)


class Item(msgspec.Struct):
    name: str


async def show(id: int) -> int:
    return id


async def save(tx: Tx, item: Item) -> Item:
    return item


class Flood:
    """A stream without end; knows how far it got, and when it was given up."""

    def __init__(self) -> None:
        self.pieces = 0
        self.ended = asyncio.Event()

    async def stream(self) -> AsyncIterator[str]:
        try:
            while True:
                self.pieces += 1
                yield "x" * 10_000
        finally:
            self.ended.set()


def shop(flood: Flood | None = None, settings: Settings = SETTINGS) -> Built:
    stream = (flood or Flood()).stream
    routes = [query("/items/{id}", show), command("/items", save), query("/flood", stream)]
    return build(*routes, settings=settings)


def resident() -> int:
    """Bytes of memory that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@asynccontextmanager
async def besieged(
    built: Built, listener: socket.socket | None = None, settings: Settings = SETTINGS
) -> AsyncIterator[Running]:
    """A server that answers everybody else promptly before, while and after a hostile client is at work."""
    async with running(built.app, listener, settings) as server:
        before, others = resident(), asyncio.create_task(_serve_others(server))
        yield server
        others.cancel()
        with pytest.raises(asyncio.CancelledError):
            await others
        await _ask(server)
        assert resident() - before < MEMORY


async def _serve_others(server: Running) -> None:
    while True:
        await _ask(server)
        await asyncio.sleep(0.02)


async def _ask(server: Running) -> None:
    async with asyncio.timeout(PROMPT_SECONDS):
        connection = await server.connect()
        status, _, body = await connection.ask("GET /items/7")
        assert (status, body) == (200, b"7")
        connection.writer.close()


async def ended(reader: asyncio.StreamReader) -> bytes:
    """What came until the other end closed the connection, by whichever means."""
    pieces: list[bytes] = []
    while True:
        try:
            piece = await reader.read(MIB)
        except ConnectionError:
            return b"".join(pieces)
        if not piece:
            return b"".join(pieces)
        pieces.append(piece)


async def trickle(writer: asyncio.StreamWriter, text: bytes) -> None:
    """Send a byte, and after a while another."""
    try:
        for index in range(len(text)):
            writer.write(text[index : index + 1])
            await writer.drain()
            await asyncio.sleep(0.1)
    except ConnectionError:
        return


async def test_a_head_that_trickles_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "HEADER_SECONDS", 1)
    async with besieged(shop()) as server:
        slow = [await server.connect() for _ in range(20)]
        head = b"GET /items/7 HTTP/1.1\r\nHost: x\r\n" + b"X-Slow: 1\r\n" * 100
        trickling = [asyncio.create_task(trickle(each.writer, head)) for each in slow]
        async with asyncio.timeout(5):
            for each in slow:
                await ended(each.reader)
        for task in trickling:
            task.cancel()


async def test_a_body_that_trickles_is_408_and_the_connection_is_closed() -> None:
    async with besieged(shop()) as server:
        slow = [await server.connect() for _ in range(20)]
        for each in slow:
            each.send("POST /items\nContent-Type: application/json\nContent-Length: 1000")
        trickling = [asyncio.create_task(trickle(each.writer, b'{"name": "' + b"x" * 1000)) for each in slow]
        async with asyncio.timeout(5):
            for each in slow:
                status, headers, _ = await each.answer()
                assert (status, headers["connection"]) == (408, "close")
        for task in trickling:
            task.cancel()


async def test_two_gigabytes_that_are_declared_are_refused_before_they_come() -> None:
    async with besieged(shop()) as server:
        large = await server.connect()
        large.send(f"POST /items\nContent-Type: application/json\nContent-Length: {TWO_GB}")
        status, headers, _ = await large.answer()
        assert (status, headers["connection"]) == (413, "close")
        assert await _push(large.writer, b"x" * MIB) < TWO_GB // 10


async def test_two_gigabytes_in_chunks_are_refused_at_the_limit() -> None:
    async with besieged(shop()) as server:
        large = await server.connect()
        large.send("POST /items\nContent-Type: application/json\nTransfer-Encoding: chunked")
        chunk = b"%x\r\n" % MIB + b"x" * MIB + b"\r\n"
        pushing = asyncio.create_task(_push(large.writer, chunk))
        assert b" 413 " in await large.reader.readline()
        assert await pushing < TWO_GB // 10


async def _push(writer: asyncio.StreamWriter, piece: bytes) -> int:
    """Send two gigabytes, or as much of it as the other end takes; returns how much went out."""
    sent = 0
    try:
        async with asyncio.timeout(5):
            while sent < TWO_GB:
                writer.write(piece)
                await writer.drain()
                sent += len(piece)
    except (ConnectionError, TimeoutError):
        pass
    return sent


async def _tcp(folder: Path) -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


async def _unix(folder: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(folder / "web.sock"))
    listener.listen()
    return listener


@pytest.mark.parametrize("listening", [_tcp, _unix])
async def test_a_client_that_never_reads_is_given_up_and_its_work_is_stopped(
    listening: Callable[[Path], Awaitable[socket.socket]], tmp_path: Path
) -> None:
    flood = Flood()
    async with besieged(shop(flood), await listening(tmp_path)) as server:
        deaf = await server.connect()
        deaf.transport.pause_reading()
        deaf.send("GET /flood")
        async with asyncio.timeout(8):
            await flood.ended.wait()
        assert flood.pieces * 10_000 < MEMORY


async def test_a_client_that_never_read_has_no_connection_any_more() -> None:
    flood = Flood()
    async with besieged(shop(flood)) as server:
        deaf = await server.connect()
        deaf.transport.pause_reading()
        deaf.send("GET /flood")
        async with asyncio.timeout(8):
            await flood.ended.wait()
            deaf.transport.resume_reading()
            came = await ended(deaf.reader)
        assert not came.endswith(b"0\r\n\r\n"), "the answer must not look whole"


async def test_a_large_answer_that_nobody_reads_is_not_kept_for_ever() -> None:
    """It is with the server as a whole, which waits without an end; the system ends the connection."""

    async def show_large() -> Response:
        return Response(b"x" * 32 * MIB)

    async with running(build(query("/large", show_large), settings=SETTINGS).app, settings=SETTINGS) as server:
        deaf = await server.connect()
        deaf.transport.pause_reading()
        deaf.send("GET /large")
        await eventually(lambda: established(server))
        await eventually(lambda: not established(server))


def established(server: Running) -> int:
    """Connections that the system holds open at the server's end."""
    end = f":{server.listener.getsockname()[1]:04X}"
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(local.endswith(end) and state == "01" for _, local, _, state, *_ in lines)


async def test_connections_that_say_nothing_are_no_burden() -> None:
    async with besieged(shop()) as server:
        idle = [await server.connect() for _ in range(500)]
        assert (await idle[0].ask("GET /items/1"))[0] == 200
        assert (await idle[499].ask("GET /items/1"))[0] == 200


@pytest.mark.parametrize(
    "head",
    [
        b"X-Large: " + b"x" * 2 * serving.HEAD_BYTES + b"\r\n",
        b"".join(b"X-%d: 1\r\n" % number for number in range(200)),
    ],
)
async def test_a_head_that_is_too_large_is_431(head: bytes) -> None:
    async with besieged(shop()) as server:
        connection = await server.connect()
        connection.writer.write(b"GET /items/7 HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n")
        assert b" 431 " in await connection.reader.readline()


async def test_what_is_pipelined_waits_its_turn() -> None:
    async with besieged(shop()) as server:
        many = await server.connect()
        many.writer.write(b"GET /items/7 HTTP/1.1\r\nHost: x\r\n\r\n" * 2000)
        for _ in range(2000):
            status, _, _ = await many.answer()
            assert status == 200
