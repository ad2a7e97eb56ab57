"""The law of pages: whatever becomes of others, a row that stays as it is is shown once, in its place, both ways."""

import asyncio
import random
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headwater.db import Db
from headwater.http import Listing, Page, Pages, Route
from headwater.testing.client import Client
from headwater.types import Row
from tests.integration.db.servers import connected, execute, fresh_database, value
from tests.integration.http.listing import serving, walk
from tests.length import examples
from tests.shrinking import shrinking_briefly

TABLE: Final = """
create table thing (
    id bigint primary key,
    a integer,
    b text collate "C",
    c text,
    d double precision not null default 0
)
"""
COLUMNS: Final[dict[str, Sequence[Any]]] = {
    "a": (None, 1, 2),
    "b": (None, "x", "Y", "ä"),
    "c": (None, "x", "Y", "ä"),
    "d": (0.0, 0.1, float("inf")),
}
RESTLESS_PAGES: Final = 40
NULLS: Final = ("last", "first", "largest")


class Thing(Row, table="thing"):
    id: int
    a: int | None
    b: str | None
    c: str | None
    d: float


def _route(nulls: Any) -> Route:
    pages = Pages(Thing, sort=("a", "b", "c", "d", "id"), nulls=nulls, fields=True, limit=1, most=10)

    async def list_things(db: Db, page: Annotated[Page, pages]) -> Listing[Thing]:
        return await page.read(db)

    return Route(method="GET", path=f"/{nulls}", handler=list_things)


ROUTES: Final = [_route(nulls) for nulls in NULLS]

ITEMS = st.lists(
    st.tuples(st.sampled_from(["a", "b", "c", "d", "id"]), st.booleans()), max_size=4, unique_by=lambda item: item[0]
)
THINGS = st.lists(st.tuples(*[st.sampled_from(values) for values in COLUMNS.values()]), max_size=14)


@pytest.fixture(scope="module")
def things(server: str) -> Iterator[str]:
    with fresh_database(server, "template_migrated") as url:
        asyncio.run(execute(url, TABLE))
        yield url


class Herd:
    """The table: rows with even ids stay as they are, those with odd ids come, go and change."""

    def __init__(self, url: str, dice: random.Random) -> None:
        self._url = url
        self._dice = dice
        self._next = 1

    async def put(self, rows: Sequence[tuple[Any, ...]]) -> None:
        async with connected(self._url) as connection:
            await connection.execute("truncate thing")
            ids = range(2, 2 + 2 * len(rows), 2)
            await connection.executemany(
                "insert into thing values ($1, $2, $3, $4, $5)",
                [(id, *row) for id, row in zip(ids, rows, strict=True)],
            )

    async def change(self) -> None:
        """Something happens to the others."""
        async with connected(self._url) as connection:
            for _ in range(self._dice.randint(0, 3)):
                row = [self._dice.choice(values) for values in COLUMNS.values()]
                match self._dice.choice(["insert", "update", "delete"]):
                    case "insert":
                        await connection.execute("insert into thing values ($1, $2, $3, $4, $5)", self._next, *row)
                        self._next += 2
                    case "update":
                        sql = "update thing set a = $1, b = $2, c = $3, d = $4 where id % 2 = 1 and random() < 0.5"
                        await connection.execute(sql, *row)
                    case "delete":
                        await connection.execute("delete from thing where id % 2 = 1 and random() < 0.5")

    async def settle(self) -> None:
        """From here on nothing comes."""
        self._dice = random.Random(0)
        await execute(self._url, "delete from thing where id % 2 = 1")


def _order(items: Sequence[tuple[str, bool]], nulls: str) -> str:
    """What PostgreSQL is to sort by, in full, to say what the pages must show."""
    terms = []
    for column, descending in items:
        first = nulls == "first" or (nulls == "largest" and descending)
        terms.append(f"{column} {'desc' if descending else 'asc'} nulls {'first' if first else 'last'}")
    descending = bool(items) and items[-1][1]
    return ", ".join([*terms, f"id {'desc' if descending else 'asc'}"])


def _stable(pages: Sequence[Any]) -> list[int]:
    return [item["id"] for page in pages for item in page["items"] if item["id"] % 2 == 0]


async def _walk(client: Client, herd: Herd, path: str, step: str, cursor: str | None = None) -> list[Any]:
    pages: list[Any] = []
    async for reply in walk(client, path, step=step, cursor=cursor, most=2 * RESTLESS_PAGES):
        pages.append(reply.json())
        await (herd.change() if len(pages) < RESTLESS_PAGES else herd.settle())
    return pages


@given(
    rows=THINGS,
    items=ITEMS,
    nulls=st.sampled_from(NULLS),
    limit=st.integers(1, 4),
    whole=st.booleans(),
    seed=st.integers(0, 2**16),
)
@settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@shrinking_briefly
async def test_a_row_that_stays_is_shown_once_in_its_place_forwards_and_backwards(
    things: str,
    rows: list[tuple[Any, ...]],
    items: list[tuple[str, bool]],
    nulls: str,
    limit: int,
    whole: bool,
    seed: int,
) -> None:
    herd = Herd(things, random.Random(seed))
    await herd.put(rows)
    sort = ",".join(("-" if descending else "") + column for column, descending in items)
    path = f"/{nulls}?limit={limit}" + (f"&sort={sort}" if sort else "") + ("" if whole else "&fields=id")
    order = _order(items or [("a", False)], nulls)
    expected = await value(things, f"select array_agg(id order by {order}) from thing where id % 2 = 0") or []
    async with serving(things, *ROUTES, table="") as client:
        there = await _walk(client, herd, path, "next")
        last = there[-1]
        back = await _walk(client, herd, path, "previous", last["previous"]) if last["previous"] else []
    assert _stable(there) == expected
    assert _stable([*reversed(back), last]) == expected
