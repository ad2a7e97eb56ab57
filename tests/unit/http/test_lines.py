"""Streams: JSON lines, sent while they are still being found."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from headwater.http import Problem
from headwater.http.message import ndjson as streaming
from headwater.http.message.ndjson import stream_lines
from headwater.http.serving import transmission
from headwater.testing.client import Client
from tests.unit.http.support import build, query


class Row(msgspec.Struct):
    id: int


async def rows(count: int) -> AsyncIterator[Row]:
    for number in range(count):
        yield Row(number)


@pytest.mark.parametrize("count", [0, 1, 3, 10_000])
async def test_an_async_iterator_becomes_json_lines(count: int) -> None:
    async def export(count: int) -> AsyncIterator[Row]:
        return rows(count)

    reply = await build(query("/rows", export)).client.get(f"/rows?count={count}")
    assert reply.status == 200
    assert reply.headers["content-type"] == "application/x-ndjson"
    assert "content-length" not in reply.headers
    assert [msgspec.json.decode(line)["id"] for line in reply.body.splitlines()] == list(range(count))


async def test_a_generator_function_needs_no_detour() -> None:
    async def export() -> AsyncIterator[int]:
        yield 1
        yield 2

    assert (await build(query("/rows", export)).client.get("/rows")).body == b"1\n2\n"


async def test_a_client_that_wants_no_lines_gets_a_406() -> None:
    async def export() -> AsyncIterator[int]:
        yield 1

    reply = await build(query("/rows", export)).client.get("/rows", headers={"Accept": "application/json"})
    assert reply.status == 406


async def test_an_error_before_the_first_line_is_an_ordinary_problem() -> None:
    async def export() -> AsyncIterator[int]:
        raise Problem(404)
        yield 1

    reply = await build(query("/rows", export)).client.get("/rows")
    assert (reply.status, reply.complete) == (404, True)


async def test_an_error_after_the_first_line_is_written_and_breaks_the_transfer_off() -> None:
    async def export() -> AsyncIterator[int]:
        yield 1
        yield 2
        raise Problem(503, detail="Lost.", headers={"Retry-After": "1"})

    reply = await build(query("/rows", export)).client.get("/rows", headers={"X-Request-Id": "mine"})
    *lines, last = reply.body.splitlines()
    assert (reply.status, reply.complete) == (200, False)
    assert msgspec.json.decode(last)["request_id"] == "mine"
    assert msgspec.json.decode(last)["detail"] == "Lost."
    assert set(lines) <= {b"1", b"2"}


async def test_head_asks_without_streaming() -> None:
    closed = asyncio.Event()

    async def export() -> AsyncIterator[int]:
        try:
            for number in range(1_000_000):
                yield number
        finally:
            closed.set()

    reply = await build(query("/rows", export)).client.head("/rows")
    assert (reply.status, reply.body) == (200, b"")
    await asyncio.wait_for(closed.wait(), 5)


class Reader:
    """Takes pieces as a client would, and can be told to stop taking them."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.arrived = asyncio.Event()
        self.given_up = asyncio.Event()
        self.takes = asyncio.Event()
        self.takes.set()

    async def write(self, piece: bytes) -> None:
        try:
            await self.takes.wait()
        except asyncio.CancelledError:
            self.given_up.set()
            raise
        self.pieces.append(piece)
        self.arrived.set()


async def test_pieces_are_large_when_items_come_fast() -> None:
    reader = Reader()
    await (await stream_lines(rows(50_000)))(reader.write)
    assert len(reader.pieces) < 15
    assert all(len(piece) >= streaming.FLUSH_BYTES for piece in reader.pieces[:-1])


async def test_a_line_does_not_wait_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "FLUSH_SECONDS", 0.001)
    more, reader = asyncio.Event(), Reader()

    async def slow() -> AsyncIterator[int]:
        yield 1
        await more.wait()
        yield 2

    stream = await stream_lines(slow())
    streamed = asyncio.ensure_future(stream(reader.write))
    await asyncio.wait_for(reader.arrived.wait(), 5)
    assert reader.pieces == [b"1\n"]
    more.set()
    await streamed
    assert b"".join(reader.pieces) == b"1\n2\n"


async def test_a_client_that_stops_reading_ends_the_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "WRITE_SECONDS", 0.01)
    closed, reader = [], Reader()
    reader.takes.clear()

    async def endless() -> AsyncIterator[str]:
        try:
            while True:
                yield "x" * 1000
        finally:
            closed.append(True)

    stream = await stream_lines(endless())
    with pytest.raises(TimeoutError):
        await stream(reader.write)
    assert closed == [True]


async def test_a_stream_with_a_hole_does_not_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "FLUSH_SECONDS", 0.001)
    monkeypatch.setattr(streaming, "WRITE_SECONDS", 0.001)
    reader, more = Reader(), asyncio.Event()
    reader.takes.clear()

    async def slow() -> AsyncIterator[int]:
        yield 1
        await more.wait()
        yield 2

    stream = await stream_lines(slow())
    streamed = asyncio.ensure_future(stream(reader.write))
    await asyncio.wait_for(reader.given_up.wait(), 5)
    reader.takes.set()
    more.set()
    with pytest.raises(TimeoutError):
        await streamed
    assert reader.pieces == []


async def test_an_error_record_does_not_wait_for_a_client_that_stopped_reading(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(streaming, "WRITE_SECONDS", 0.01)
    monkeypatch.setattr(transmission, "_RECORD_SECONDS", 0.01)

    async def endless() -> AsyncIterator[str]:
        while True:
            yield "x" * 1000

    async def send(message: Any) -> None:
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/rows",
        "query_string": b"",
        "headers": [(b"host", b"x")],
        "http_version": "1.1",
    }
    built = build(query("/rows", endless))
    with pytest.raises(transmission.StreamBroken):
        await asyncio.wait_for(built.app(scope, None, send), 5)
    assert built.app.in_flight == 0


async def test_a_slow_client_holds_the_source_back() -> None:
    asked, reader = 0, Reader()
    reader.takes.clear()

    async def counting() -> AsyncIterator[str]:
        nonlocal asked
        for _ in range(100_000):
            asked += 1
            yield "x" * 100

    stream = await stream_lines(counting())
    streamed = asyncio.ensure_future(stream(reader.write))
    for _ in range(100):
        await asyncio.sleep(0)
    held = asked
    assert held < 1000
    reader.takes.set()
    await streamed
    assert asked == 100_000


async def test_a_stream_is_stopped_without_a_proper_end_when_the_process_ends() -> None:
    entered, gone = asyncio.Event(), asyncio.Event()

    async def export() -> AsyncIterator[int]:
        yield 1
        entered.set()
        await asyncio.Event().wait()

    built = build(query("/rows", export))
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        await gone.wait()

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/rows",
        "query_string": b"",
        "headers": [(b"host", b"x")],
        "http_version": "1.1",
    }
    serving = asyncio.ensure_future(built.app(scope, receive, send))
    await entered.wait()
    await built.app.drain(0.001)
    with pytest.raises(asyncio.CancelledError):
        await serving
    assert all(message.get("more_body", True) for message in sent)
    assert isinstance(built.client, Client)
