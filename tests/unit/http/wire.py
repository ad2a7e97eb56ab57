"""A server on a real socket, and clients that write and read bytes: for what only a connection can show."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from headwater.http.serving.lifespan import AsgiApp
from headwater.settings import Settings
from headwater.testing import Server, serving

SECONDS = 20
SETTINGS = Settings(drain_seconds=5.0, body_limit=1000, body_seconds=0.3)


class Connection:
    """A client that writes bytes and reads answers."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.transport = cast(asyncio.Transport, writer.transport)
        """Of both directions, which only its type does not say."""

    async def ask(self, head: str, body: bytes = b"") -> tuple[int, dict[str, str], bytes]:
        self.send(head, body)
        return await self.answer(empty=head.startswith("HEAD"))

    def send(self, head: str, body: bytes = b"") -> None:
        lines = [f"{head.splitlines()[0]} HTTP/1.1", "Host: x", *head.splitlines()[1:]]
        if body and "Content-Length" not in head:
            lines.append(f"Content-Length: {len(body)}")
        self.writer.write("\r\n".join([*lines, "", ""]).encode() + body)

    async def answer(self, empty: bool = False) -> tuple[int, dict[str, str], bytes]:
        status = int((await self.reader.readline()).split()[1])
        headers = {}
        while (line := await self.reader.readline()) not in (b"\r\n", b""):
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        if headers.get("transfer-encoding") == "chunked":
            return status, headers, await self._chunks()
        size = 0 if empty else int(headers.get("content-length", 0))
        return status, headers, await self.reader.readexactly(size)

    async def _chunks(self) -> bytes:
        pieces = []
        while size := int(await self.reader.readline(), 16):
            pieces.append(await self.reader.readexactly(size))
            await self.reader.readline()
        await self.reader.readline()
        return b"".join(pieces)


class Running:
    """A server, and the connections that a test has made to it."""

    def __init__(self, server: Server) -> None:
        self.listener = server.listener
        self.stop = server.stop
        self.serving = server.serving
        self.url = server.url
        self._open: list[asyncio.StreamWriter] = []

    async def connect(self) -> Connection:
        if self.listener.family == socket.AF_UNIX:
            reader, writer = await asyncio.open_unix_connection(self.listener.getsockname())
        else:
            reader, writer = await asyncio.open_connection(*self.listener.getsockname())
        self._open.append(writer)
        return Connection(reader, writer)

    def close(self) -> None:
        for writer in self._open:
            writer.transport.abort()


@asynccontextmanager
async def running(
    app: AsgiApp, listener: socket.socket | None = None, settings: Settings = SETTINGS
) -> AsyncIterator[Running]:
    async with serving(app, settings=settings, listener=listener) as server, asyncio.timeout(SECONDS):
        run = Running(server)
        try:
            yield run
        finally:
            run.close()
