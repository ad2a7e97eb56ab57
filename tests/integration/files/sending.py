"""Requests whose bodies come in pieces, break off, or never end; and what is left in the store afterwards."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any, Protocol

from headwater.backend import Backend
from headwater.http.message.headers import Headers
from headwater.objects import Objects, location_of
from headwater.testing.client import Reply
from headwater.testing.running import RunningBackend

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(range(256)) * 4


class Gone(Exception):
    """The client has closed the connection."""


class Served(Protocol):
    """What can be sent to: a running backend of a test, or only its application."""

    @property
    def backend(self) -> Backend: ...


async def send(
    running: Served,
    method: str,
    path: str,
    pieces: Iterable[bytes] | AsyncIterator[bytes],
    headers: dict[str, str] | None = None,
) -> Reply:
    """Send a body piece by piece; the end of an iterator that raises `Gone` is that of the connection."""
    source = pieces if isinstance(pieces, AsyncIterator) else _each(pieces)
    messages: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        try:
            piece = await anext(source)
        except StopAsyncIteration:
            return {"type": "http.request", "body": b"", "more_body": False}
        except Gone:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": piece, "more_body": True}

    async def answer(message: dict[str, Any]) -> None:
        messages.append(message)

    await running.backend(scope_of(method, path, headers or {}), receive, answer)
    start: dict[str, Any] = messages[0] if messages else {"status": 499, "headers": []}
    body = b"".join(message.get("body", b"") for message in messages[1:])
    return Reply(start["status"], Headers(start["headers"]), body, True)


async def _each(pieces: Iterable[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        await asyncio.sleep(0)
        yield piece


def scope_of(method: str, target: str, headers: dict[str, str]) -> dict[str, Any]:
    path, _, query = target.partition("?")
    fields = {"host": "testserver", **{name.lower(): value for name, value in headers.items()}}
    return {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in fields.items()],
        "client": ("127.0.0.1", 1),
        "server": ("testserver", 80),
    }


def objects_of(backend: RunningBackend) -> Objects:
    return Objects(location_of(backend.settings))


async def stored(backend: RunningBackend) -> list[str]:
    """The keys of all uploads in the store."""
    return sorted([found.key async for found in objects_of(backend).list("uploads")])


async def counts(backend: RunningBackend) -> dict[str, int]:
    """How many rows each table has that files are about."""
    tables = {"uploads": "headwater.upload", "objects": "headwater.object", "pictures": "album.picture"}
    return {name: await backend.db.one(int, f"select count(*) from {table}") for name, table in tables.items()}


NOTHING = {"uploads": 0, "objects": 0, "pictures": 0}
ONE = {"uploads": 0, "objects": 1, "pictures": 1}
