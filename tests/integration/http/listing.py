"""A list of animals on PostgreSQL, and a client that walks it."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from headwater import testing
from headwater.binding import Services
from headwater.clock import Clock
from headwater.commit import Committer
from headwater.db import Db, Pool
from headwater.http import Compiler, Credential, HttpApp, Listing, Page, Pages, Route
from headwater.keyring import Keyring
from headwater.observe import Metrics
from headwater.part import Declarations
from headwater.parts import platform_parts
from headwater.settings import Settings
from headwater.testing.client import Client, Reply
from headwater.types import Row
from tests.integration.db.servers import execute

TABLE = """
create table animal (
    id uuid primary key,
    name text not null,
    born date,
    weight double precision,
    price numeric,
    seen timestamptz,
    size text,
    herd text not null default 'a'
)
"""


MOST_PAGES = 1000


class Size(Enum):
    SMALL = "small"
    LARGE = "large"


class Animal(Row, table="animal"):
    id: UUID
    name: str
    born: date | None
    weight: float | None
    price: Decimal | None
    seen: datetime | None
    size: Size | None


SORTABLE = ("name", "born", "weight", "price", "seen", "size")
ANIMALS = Pages(
    Animal,
    sort=SORTABLE,
    default="name",
    filters={
        "name": ("eq", "ne", "in", "prefix"),
        "born": ("lt", "le", "gt", "ge", "null"),
        "seen": ("ge",),
        "size": ("eq", "in"),
        "id": ("in",),
    },
    fields=True,
    count=("none", "estimate", "exact"),
    limit=3,
)


async def list_animals(db: Db, page: Annotated[Page, ANIMALS]) -> Listing[Animal]:
    return await page.read(db)


async def list_herd(db: Db, herd: str, page: Annotated[Page, ANIMALS]) -> Listing[Animal]:
    return await page.read(db, where="herd = $1", arguments=[herd])


ROUTES = (
    Route(method="GET", path="/animals", handler=list_animals),
    Route(method="GET", path="/herds/{herd}", handler=list_herd),
)


@asynccontextmanager
async def serving(
    url: str,
    *routes: Route,
    secret: str | None = None,
    clock: Clock | None = None,
    table: str = TABLE,
    identify: Sequence[Credential] = (),
    **options: Any,
) -> AsyncIterator[Client]:
    """The list as one worker serves it; without `table`, of one that is there already."""
    if table:
        await execute(url, table)
    pool = await Pool.open(url, read_only=True, application_name="test reads", size=2)
    db = Db(pool)
    services = Services(
        (),
        {
            Settings: Settings(log_level="error"),
            Metrics: Metrics(),
            Db: db,
            Committer: Committer(pool, keep=timedelta(hours=1)),
            Keyring: Keyring(secret, db),
            Clock: clock or testing.Clock(frozen=True),
        },
    )
    compiler = Compiler(Declarations(platform_parts(credentials=identify, realm="zoo")))
    try:
        async with Client(HttpApp(routes or ROUTES, compiler, services, **options)) as client:
            yield client
    finally:
        await pool.close()


def with_cursor(path: str, cursor: str) -> str:
    return f"{path}{'&' if '?' in path else '?'}cursor={cursor}"


async def walk(
    client: Client, path: str, *, step: str = "next", cursor: str | None = None, most: int = MOST_PAGES
) -> AsyncIterator[Reply]:
    """Page after page until there is no further one; a list that has more than `most` has no end."""
    for _ in range(most):
        reply = await client.get(path if cursor is None else with_cursor(path, cursor))
        assert reply.status == 200, reply.text
        yield reply
        cursor = reply.json()[step]
        if cursor is None:
            return
    raise AssertionError(f"{path} has no end: {reply.text}")


async def names(client: Client, path: str) -> list[str]:
    """The names of all animals that a path lists, page after page."""
    return [item["name"] async for reply in walk(client, path) for item in reply.json()["items"]]


def animals(*named: tuple[str, dict[str, Any]]) -> Iterable[str]:
    """Statements that add animals: their names, and what else is known of them."""
    for number, (name, known) in enumerate(named, 1):
        columns = {"id": UUID(int=number), "name": name, **known}
        listed = ", ".join(columns)
        values = ", ".join("'" + str(value).replace("'", "''") + "'" for value in columns.values())
        yield f"insert into animal ({listed}) values ({values})"


def escaped(text: str) -> str:
    return quote(text, safe="")
