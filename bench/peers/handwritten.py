"""The shop's read and command by hand: plain ASGI, asyncpg, msgspec, and nothing that the answer does not need.

No router, no identifiers, no log, no metrics, no validation beyond decoding, no idempotency key: the floor under any
framework. `app` uses asyncpg's pool as it comes, which resets a connection after each use by a round trip; `app_bare`
tells it not to, which is right only for whoever knows every statement that is sent.
"""

import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import msgspec

POOL_SIZE = 10  # as many as a web worker of Headwater has for each of reads and commands

_READ = "select id, name, price, stock from shop.product where id = $1"
_INSERT = """
insert into shop.order_ (id, product, quantity) values (uuidv7(), $1, $2) returning id, product, quantity, state
"""
_EMIT = "select pg_logical_emit_message(true, 'headwater', $1::bytea)"

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Product(msgspec.Struct):
    id: UUID
    name: str
    price: int
    stock: int


class NewOrder(msgspec.Struct):
    product: UUID
    quantity: int


class Order(msgspec.Struct):
    id: UUID
    product: UUID
    quantity: int
    state: str


class Placed(msgspec.Struct):
    order: UUID
    product: UUID
    quantity: int


class Envelope(msgspec.Struct):
    id: UUID
    type: str
    version: int
    app: str
    key: str
    at: datetime
    command: str
    data: Placed


_encode = msgspec.json.Encoder().encode
_decode_order = msgspec.json.Decoder(NewOrder).decode


class Shop:
    """The application; `reset` is what asyncpg's pool does with a connection that comes back."""

    def __init__(self, reset: Callable[[Any], Awaitable[None]] | None = None) -> None:
        self._reset = reset
        self._pool: asyncpg.Pool

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        path, method = scope["path"], scope["method"]
        if method == "GET" and path.startswith("/products/"):
            await self._read(path, send)
        elif method == "POST" and path == "/orders":
            await self._command(receive, send)
        else:
            await _answer(send, 404, b"{}")

    async def _read(self, path: str, send: Send) -> None:
        row = await self._pool.fetchrow(_READ, UUID(path[10:]))
        if row is None:
            await _answer(send, 404, b"{}")
        else:
            await _answer(send, 200, _encode(Product(*row)))

    async def _command(self, receive: Receive, send: Send) -> None:
        order = _decode_order(await _body(receive))
        async with self._pool.acquire() as connection, connection.transaction():
            placed = Order(*await connection.fetchrow(_INSERT, order.product, order.quantity))
            event = Placed(placed.id, placed.product, placed.quantity)
            await connection.execute(
                _EMIT,
                _encode(
                    Envelope(
                        uuid4(), "OrderPlaced", 1, "shop", str(placed.product), datetime.now(UTC), "place_order", event
                    )
                ),
            )
        await _answer(send, 201, _encode(placed), (b"location", f"/orders/{placed.id}".encode()))

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        self._pool = await asyncpg.create_pool(
            os.environ["HEADWATER_POSTGRES_URL"], min_size=POOL_SIZE, max_size=POOL_SIZE, reset=self._reset
        )
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._pool.close()
        await send({"type": "lifespan.shutdown.complete"})


async def _body(receive: Receive) -> bytes:
    message = await receive()
    body: bytes = message["body"]
    while message.get("more_body"):
        message = await receive()
        body += message["body"]
    return body


async def _answer(send: Send, status: int, body: bytes, *headers: tuple[bytes, bytes]) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [(b"content-type", b"application/json"), length, *headers],
        }
    )
    await send({"type": "http.response.body", "body": body})


async def _no_reset(connection: Any) -> None:
    return


app = Shop()
app_bare = Shop(_no_reset)
