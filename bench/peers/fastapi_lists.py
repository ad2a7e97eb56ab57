"""A page, an export and a redirect in FastAPI."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, datetime
from typing import Annotated

import asyncpg
from fastapi import FastAPI, HTTPException, Query
from fastapi.responses import RedirectResponse, StreamingResponse
from pydantic import BaseModel

from bench.peers.handwritten import POOL_SIZE
from bench.peers.sql import CHUNK, EXPORT, FOLLOW, PAGE


class Person(BaseModel):
    """As the API shows it."""

    id: int
    name: str
    email: str
    country: str
    city: str
    born: date | None
    joined: datetime


class Listing(BaseModel):
    """A page, and where the next one begins."""

    items: list[Person]
    next: tuple[datetime, int] | None


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """A pool for as long as the application lives."""
    url = os.environ["HEADWATER_POSTGRES_URL"]
    async with asyncpg.create_pool(url, min_size=POOL_SIZE, max_size=POOL_SIZE) as pool:
        app.state.pool = pool
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/people")
async def list_people(joined: datetime, id: int, limit: Annotated[int, Query(ge=1, le=100)] = 20) -> Listing:
    rows = await app.state.pool.fetch(PAGE, joined, id, limit + 1)
    items = [Person(**row) for row in rows[:limit]]
    return Listing(items=items, next=(items[-1].joined, items[-1].id) if len(rows) > limit else None)


@app.get("/people/export")
async def export_people() -> StreamingResponse:
    async def lines() -> AsyncIterator[bytes]:
        async with app.state.pool.acquire() as connection, connection.transaction(readonly=True):
            cursor = await connection.cursor(EXPORT)
            while rows := await cursor.fetch(CHUNK):
                yield b"".join(Person(**row).model_dump_json().encode() + b"\n" for row in rows)

    return StreamingResponse(lines(), media_type="application/x-ndjson")


@app.get("/{code}")
async def follow(code: str) -> RedirectResponse:
    target = await app.state.pool.fetchval(FOLLOW, code)
    if target is None:
        raise HTTPException(404)
    return RedirectResponse(target, 302)
