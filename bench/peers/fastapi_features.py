"""The features in FastAPI: dependencies, routers and middleware as its documentation and its users have them.

A limit comes from SlowAPI, compression from Starlette's middleware. For an ETag there is nothing ready, so it is the
usual few lines: hash the body, compare, answer.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import Annotated
from uuid import UUID

import asyncpg
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel
from slowapi import Limiter
from slowapi.util import get_remote_address
from starlette.middleware.gzip import GZipMiddleware

from bench.features import QUOTA, digest
from bench.peers.handwritten import POOL_SIZE

_READ = "select id, name, price, stock from shop.product where id = $1"
_LIST = "select id, name, price, stock from shop.product order by name, id limit 20"
_LIMIT = f"{QUOTA}/minute"


class Product(BaseModel):
    """As the API shows it."""

    id: UUID
    name: str
    price: int
    stock: int


class OlderProduct(BaseModel):
    """As its first version showed it: the price in whole units."""

    id: UUID
    title: str
    price: float
    stock: int


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """A pool for as long as the application lives."""
    url = os.environ["HEADWATER_POSTGRES_URL"]
    async with asyncpg.create_pool(url, min_size=POOL_SIZE, max_size=POOL_SIZE) as pool:
        app.state.pool = pool
        yield


app = FastAPI(lifespan=lifespan)
limiter = Limiter(key_func=get_remote_address)
app.state.limiter = limiter
bearer = HTTPBearer()


async def person(credentials: Annotated[HTTPAuthorizationCredentials, Depends(bearer)]) -> str:
    """Who asks."""
    found = await app.state.pool.fetchval(
        "select person from bench.api_key where digest = $1", digest(credentials.credentials)
    )
    if found is None:
        raise HTTPException(401)
    return str(found)


async def read(id: UUID) -> Product:
    """One product; 404 if there is none."""
    row = await app.state.pool.fetchrow(_READ, id)
    if row is None:
        raise HTTPException(404)
    return Product(**row)


def older(product: Product) -> OlderProduct:
    """A product as version 1 shows it."""
    return OlderProduct(id=product.id, title=product.name, price=product.price / 100, stock=product.stock)


def tagged(model: BaseModel, request: Request) -> Response:
    """The answer with an ETag, or 304."""
    body = model.model_dump_json().encode()
    tag = f'"{sha256(body).hexdigest()[:32]}"'
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers={"ETag": tag})
    return Response(body, media_type="application/json", headers={"ETag": tag})


@app.get("/plain/products/{id}")
async def show_plain(id: UUID) -> Product:
    return await read(id)


@app.get("/auth/products/{id}")
async def show_to_somebody(id: UUID, who: Annotated[str, Depends(person)]) -> Product:
    return await read(id)


@app.get("/limit/products/{id}")
@limiter.limit(_LIMIT)
async def show_limited(request: Request, id: UUID) -> Product:
    return await read(id)


@app.get("/etag/products/{id}", response_model=Product)
async def show_tagged(request: Request, id: UUID) -> Response:
    return tagged(await read(id), request)


v1 = APIRouter(prefix="/v1")


@v1.get("/plain/products/{id}")
async def show_older(id: UUID) -> OlderProduct:
    return older(await read(id))


@v1.get("/all/products/{id}", response_model=OlderProduct)
@limiter.limit(_LIMIT)
async def show_with_all(request: Request, id: UUID, who: Annotated[str, Depends(person)]) -> Response:
    return tagged(older(await read(id)), request)


app.include_router(v1)


@app.get("/list")
async def show_list() -> list[Product]:
    return [Product(**row) for row in await app.state.pool.fetch(_LIST)]


compressed = FastAPI()
compressed.add_middleware(GZipMiddleware, minimum_size=1024, compresslevel=6)


@compressed.get("/products")
async def show_compressed() -> list[Product]:
    return [Product(**row) for row in await app.state.pool.fetch(_LIST)]


app.mount("/compressed", compressed)
