"""The server on a real socket: what only a connection can show."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from headwater.commit import Tx
from headwater.http.serving.lifespan import LifespanFailed
from tests.unit.http.support import Built, build, command, query
from tests.unit.http.test_application import Gate
from tests.unit.http.wire import SETTINGS, running


class Item(msgspec.Struct):
    name: str


async def show(id: int) -> int:
    return id


async def save(tx: Tx, item: Item) -> Item:
    return item


async def break_off() -> AsyncIterator[int]:
    yield 1
    raise RuntimeError("in the middle")


async def count() -> AsyncIterator[int]:
    for number in range(20_000):
        yield number


def shop(**options: Any) -> Built:
    routes = [query("/items/{id}", show), command("/items", save), query("/broken", break_off), query("/count", count)]
    return build(*routes, settings=SETTINGS, **options)


class Leaving:
    """An application that tells when it was asked to leave."""

    def __init__(self, built: Built) -> None:
        self._app = built.app
        self.left = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self._app(scope, receive, send)

    def leave(self) -> None:
        self._app.leave()
        self.left.set()

    async def drain(self) -> None:
        await self._app.drain()


async def test_requests_are_answered_over_tcp() -> None:
    async with running(shop().app) as server:
        connection = await server.connect()
        status, headers, body = await connection.ask("GET /items/7?\nX-Request-Id: mine")
        assert (status, body) == (200, b"7")
        assert headers["x-request-id"] == "mine"
        status, _, body = await connection.ask("POST /items\nContent-Type: application/json", b'{"name":"a"}')
        assert (status, body) == (200, b'{"name":"a"}')
        status, headers, body = await connection.ask("HEAD /items/123")
        assert (status, headers["content-length"]) == (200, "3")


async def test_requests_are_answered_over_a_unix_socket(tmp_path: Path) -> None:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "web.sock"))
    listener.listen()
    async with running(shop().app, listener) as server:
        assert (await (await server.connect()).ask("GET /items/7"))[2] == b"7"


async def test_what_is_in_flight_is_answered_and_nothing_more_is_accepted() -> None:
    gate = Gate()
    leaving = Leaving(build(query("/gate", gate.query), settings=SETTINGS))
    async with running(leaving) as server:
        busy, late = await server.connect(), await server.connect()
        busy.send("GET /gate")
        await gate.entered.wait()
        server.stop.set()
        await leaving.left.wait()
        gate.opened.set()
        status, headers, _ = await busy.answer()
        assert (status, headers["connection"]) == (200, "close")
        await server.serving
        late.send("GET /gate")
        assert await late.reader.read() == b""
        assert server.listener.fileno() >= 0, "the socket stays its owner's"


async def test_before_accepting_ends_readiness_sends_balancers_away() -> None:
    settings = msgspec.structs.replace(SETTINGS, balancer_seconds=0.5)
    leaving = Leaving(shop())
    async with running(leaving, settings=settings) as server:
        connection = await server.connect()
        assert (await connection.ask("GET /readyz"))[0] == 200
        server.stop.set()
        await leaving.left.wait()
        status, headers, _ = await connection.ask("GET /readyz")
        assert (status, headers["connection"]) == (503, "close")
        fresh = await server.connect()
        assert (await fresh.ask("GET /items/1"))[0] == 200
        await server.serving


async def test_a_handler_that_never_ends_does_not_hold_the_process() -> None:
    gate = Gate()
    built = build(command("/gate", gate.command), settings=msgspec.structs.replace(SETTINGS, drain_seconds=0.01))
    async with running(built.app) as server:
        connection = await server.connect()
        connection.send("POST /gate")
        await gate.entered.wait()
        server.stop.set()
        await server.serving
        gate.opened.set()


async def test_a_stream_that_breaks_is_seen_to_be_broken() -> None:
    async with running(shop().app) as server:
        connection = await server.connect()
        connection.send("GET /broken")
        with pytest.raises(ValueError, match="invalid literal"):  # the last chunk, of size 0, never comes
            await connection.answer()
        whole = await (await server.connect()).ask("GET /count")
        assert whole[2].splitlines()[-1] == b"19999"


async def test_a_body_that_trickles_is_given_up() -> None:
    async with running(shop().app) as server:
        connection = await server.connect()
        connection.send("POST /items\nContent-Type: application/json\nContent-Length: 12", b'{"na')
        status, headers, body = await connection.answer()
        assert (status, headers["connection"]) == (408, "close")
        assert b"0.3 seconds" in body
        other = await server.connect()
        assert (await other.ask("GET /items/1"))[0] == 200


@pytest.mark.parametrize("head", ["Content-Length: 5000", "Transfer-Encoding: chunked"])
async def test_a_body_too_large_is_refused_before_it_has_all_arrived(head: str) -> None:
    async with running(shop().app) as server:
        connection = await server.connect()
        chunk = b"7d0\r\n" + b"x" * 2000 + b"\r\n" if "chunked" in head else b"x" * 2000
        connection.send(f"POST /items\nContent-Type: application/json\n{head}\nContent-Type: application/json", chunk)
        status, headers, _ = await connection.answer()
        assert (status, headers["connection"]) == (413, "close")


@pytest.mark.parametrize("chunk", [b"zz\r\nabc\r\n0\r\n\r\n", b"ffffffffffffffffffff\r\nabc\r\n"])
async def test_chunks_that_are_none_get_a_problem_as_every_error_does(chunk: bytes) -> None:
    async with running(shop().app) as server:
        connection = await server.connect()
        connection.send("POST /items\nContent-Type: application/json\nTransfer-Encoding: chunked", b"")
        connection.writer.write(chunk)
        status, headers, body = await connection.answer()
        assert (status, headers["content-type"]) == (400, "application/problem+json")
        assert headers["x-request-id"].encode() in body


@pytest.mark.parametrize("hosts", [b"", b"Host: x\r\nHost: y\r\n"])
async def test_a_request_has_one_host(hosts: bytes) -> None:
    """RFC 9112 section 3.2."""
    async with running(shop().app) as server:
        connection = await server.connect()
        connection.writer.write(b"GET /items/1 HTTP/1.1\r\n" + hosts + b"\r\n")
        status, headers, _ = await connection.answer()
        assert (status, headers["content-type"]) == (400, "application/problem+json")


async def test_an_application_that_cannot_start_says_why() -> None:
    class Broken:
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            await receive()
            await send({"type": "lifespan.startup.failed", "message": "no database"})

        def leave(self) -> None: ...

        async def drain(self) -> None: ...

    with pytest.raises(LifespanFailed, match="no database"):
        async with running(Broken()):
            raise AssertionError


async def test_the_lifespan_ends_with_the_server() -> None:
    built = shop()
    async with running(built.app) as server:
        await (await server.connect()).ask("GET /items/1")
        server.stop.set()
        await server.serving
    assert [line["path"] for line in built.lines] == ["/items/1"]
