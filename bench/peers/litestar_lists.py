"""A page, an export and a redirect in Litestar."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, datetime
from typing import Annotated

import asyncpg
import msgspec
from litestar import Litestar, get
from litestar.exceptions import NotFoundException
from litestar.params import Parameter
from litestar.response import Redirect, Stream

from bench.peers.handwritten import POOL_SIZE
from bench.peers.sql import CHUNK, EXPORT, FOLLOW, PAGE

encode_lines = msgspec.json.Encoder().encode_lines


class Person(msgspec.Struct):
    """As the API shows it."""

    id: int
    name: str
    email: str
    country: str
    city: str
    born: date | None
    joined: datetime


class Listing(msgspec.Struct):
    """A page, and where the next one begins."""

    items: list[Person]
    next: tuple[datetime, int] | None


@asynccontextmanager
async def lifespan(app: Litestar) -> AsyncIterator[None]:
    """A pool for as long as the application lives."""
    url = os.environ["HEADWATER_POSTGRES_URL"]
    async with asyncpg.create_pool(url, min_size=POOL_SIZE, max_size=POOL_SIZE) as pool:
        app.state.pool = pool
        yield


@get("/people")
async def list_people(joined: datetime, id: int, limit: Annotated[int, Parameter(ge=1, le=100)] = 20) -> Listing:
    rows = await app.state.pool.fetch(PAGE, joined, id, limit + 1)
    items = [Person(*row) for row in rows[:limit]]
    return Listing(items, (items[-1].joined, items[-1].id) if len(rows) > limit else None)


@get("/people/export")
async def export_people() -> Stream:
    async def lines() -> AsyncIterator[bytes]:
        async with app.state.pool.acquire() as connection, connection.transaction(readonly=True):
            cursor = await connection.cursor(EXPORT)
            while rows := await cursor.fetch(CHUNK):
                yield encode_lines([Person(*row) for row in rows])

    return Stream(lines(), media_type="application/x-ndjson")


@get("/{code:str}")
async def follow(code: str) -> Redirect:
    target = await app.state.pool.fetchval(FOLLOW, code)
    if target is None:
        raise NotFoundException
    return Redirect(target, status_code=302)


app = Litestar([list_people, export_people, follow], lifespan=[lifespan], openapi_config=None)
