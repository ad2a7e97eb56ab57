"""The features in Litestar: msgspec Structs, guards, its own rate limit and compression middleware.

For an ETag over the answer there is nothing ready, so it is the usual few lines around the encoded body.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from uuid import UUID

import asyncpg
import msgspec
from litestar import Litestar, Request, Response, Router, get
from litestar.config.compression import CompressionConfig
from litestar.connection import ASGIConnection
from litestar.exceptions import NotAuthorizedException, NotFoundException
from litestar.handlers import BaseRouteHandler
from litestar.middleware.rate_limit import RateLimitConfig

from bench.features import QUOTA, digest
from bench.peers.handwritten import POOL_SIZE

_READ = "select id, name, price, stock from shop.product where id = $1"
_LIST = "select id, name, price, stock from shop.product order by name, id limit 20"

encode = msgspec.json.Encoder().encode


class Product(msgspec.Struct):
    """As the API shows it."""

    id: UUID
    name: str
    price: int
    stock: int


class OlderProduct(msgspec.Struct):
    """As its first version showed it: the price in whole units."""

    id: UUID
    title: str
    price: float
    stock: int


@asynccontextmanager
async def lifespan(app: Litestar) -> AsyncIterator[None]:
    """A pool for as long as the application lives."""
    url = os.environ["HEADWATER_POSTGRES_URL"]
    async with asyncpg.create_pool(url, min_size=POOL_SIZE, max_size=POOL_SIZE) as pool:
        app.state.pool = pool
        yield


async def guard(connection: ASGIConnection, _: BaseRouteHandler) -> None:
    """Let in whoever has a token."""
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    found = await app.state.pool.fetchval("select person from bench.api_key where digest = $1", digest(token))
    if scheme.lower() != "bearer" or found is None:
        raise NotAuthorizedException


async def read(id: UUID) -> Product:
    """One product; 404 if there is none."""
    row = await app.state.pool.fetchrow(_READ, id)
    if row is None:
        raise NotFoundException
    return Product(*row)


def older(product: Product) -> OlderProduct:
    """A product as version 1 shows it."""
    return OlderProduct(product.id, product.name, product.price / 100, product.stock)


def tagged(item: msgspec.Struct, request: Request) -> Response[bytes]:
    """The answer with an ETag, or 304."""
    body = encode(item)
    tag = f'"{sha256(body).hexdigest()[:32]}"'
    if tag in request.headers.get("if-none-match", ""):
        return Response(b"", status_code=304, headers={"ETag": tag})
    return Response(body, media_type="application/json", headers={"ETag": tag})


limit = RateLimitConfig(rate_limit=("minute", QUOTA)).middleware


@get("/plain/products/{id:uuid}")
async def show_plain(id: UUID) -> Product:
    return await read(id)


@get("/auth/products/{id:uuid}", guards=[guard])
async def show_to_somebody(id: UUID) -> Product:
    return await read(id)


@get("/limit/products/{id:uuid}", middleware=[limit])
async def show_limited(id: UUID) -> Product:
    return await read(id)


@get("/etag/products/{id:uuid}")
async def show_tagged(request: Request, id: UUID) -> Response[bytes]:
    return tagged(await read(id), request)


@get("/plain/products/{id:uuid}")
async def show_older(id: UUID) -> OlderProduct:
    return older(await read(id))


@get("/all/products/{id:uuid}", guards=[guard], middleware=[limit])
async def show_with_all(request: Request, id: UUID) -> Response[bytes]:
    return tagged(older(await read(id)), request)


@get("/list")
async def show_list() -> list[Product]:
    return [Product(*row) for row in await app.state.pool.fetch(_LIST)]


@get("/compressed/products")
async def show_compressed() -> list[Product]:
    return [Product(*row) for row in await app.state.pool.fetch(_LIST)]


compression = CompressionConfig(
    backend="gzip",
    minimum_size=1024,
    gzip_compress_level=6,
    exclude=["/plain", "/auth", "/limit", "/etag", "/all", "/list"],
)

app = Litestar(
    [show_plain, show_to_somebody, show_limited, show_tagged, show_list, show_compressed,
     Router("/v1", route_handlers=[show_older, show_with_all])],
    lifespan=[lifespan],
    compression_config=compression,
    openapi_config=None,
)  # fmt: skip
