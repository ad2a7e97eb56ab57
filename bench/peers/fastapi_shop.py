"""The shop's read as FastAPI's own documentation would have it: a pydantic model, a pool of asyncpg, nothing else."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

from bench.peers.handwritten import POOL_SIZE


class Product(BaseModel):
    """As the API shows it."""

    id: UUID
    name: str
    price: int
    stock: int


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """A pool for as long as the application lives."""
    url = os.environ["HEADWATER_POSTGRES_URL"]
    async with asyncpg.create_pool(url, min_size=POOL_SIZE, max_size=POOL_SIZE) as pool:
        app.state.pool = pool
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/products/{id}")
async def show_product(id: UUID) -> Product:
    """One product."""
    row = await app.state.pool.fetchrow("select id, name, price, stock from shop.product where id = $1", id)
    if row is None:
        raise HTTPException(404)
    return Product(**row)
