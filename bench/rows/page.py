"""A page of 100 at depth 900,000 of 1,000,000 rows: against the first page, and against the same page of others."""

from base64 import b64encode
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from urllib.parse import quote

import asyncpg

from bench.directory import BACKEND, cursors_at, directory_database
from bench.lab import Lab
from bench.row import RATIO, Goal, Result, Row, Sample, Sense
from bench.servers import Server, framework_servers, headwater_server
from bench.traffic import Traffic
from headwater.settings import Settings

_WORK = "a page of 100 at depth 900,000 of 1,000,000 rows"
PAGE = Row(name="page", work=_WORK, against="the first page", goal=Goal(Sense.AT_MOST, 1.3, RATIO))
FASTAPI = Row(
    name="page-fastapi",
    work=_WORK,
    against="FastAPI with the same keyset by hand, no cursor to sign",
    goal=Goal(Sense.AT_MOST, 1.0, RATIO),
)
LITESTAR = Row(
    name="page-litestar", work=_WORK, against="Litestar doing the same", goal=Goal(Sense.AT_MOST, 1.0, RATIO)
)
DRF = Row(
    name="page-drf",
    work=_WORK,
    against="Django REST framework's CursorPagination",
    goal=Goal(Sense.AT_MOST, 1.0, RATIO),
)
ROWS = (PAGE, FASTAPI, LITESTAR, DRF)

PEOPLE, DEPTH = 1_000_000, 900_000
PAGES = 20
"""Pages at that depth that are asked for in turn."""

_LIST = "/people?sort=-joined"
_PLACES = "select joined, id from directory.person order by joined desc, id desc offset $1 limit $2"
_PEERS = {"FastAPI": FASTAPI, "Litestar": LITESTAR, "DRF": DRF}


async def measure(lab: Lab) -> list[Result]:
    people, depth = lab.size(PEOPLE), lab.size(DEPTH)
    async with AsyncExitStack() as stack:
        databases = await stack.enter_async_context(lab.postgres())
        url = await stack.enter_async_context(directory_database(databases, people))
        lab.tell(f"  walking to depth {depth:,}")
        cursors = await cursors_at(url, _LIST, depth, PAGES)
        folder = stack.enter_context(lab.part("page"))

        def traffic(*paths: str) -> Traffic:
            return Traffic([("GET", path, "") for path in paths], folder, own_client=lab.own_client)

        places = await _places(url, depth)
        deep = traffic(*(f"{_LIST}&limit=100&cursor={cursor}" for cursor in cursors))
        first = traffic(f"{_LIST}&limit=100")
        by_place = traffic(*(f"/people?limit=100&joined={joined}&id={id}" for joined, id in places))
        ours = await stack.enter_async_context(
            headwater_server("Headwater", BACKEND, Settings(postgres_url=url), folder)
        )
        peers = await stack.enter_async_context(framework_servers(url, lab, "lists"))
        by_cursor = traffic(*(f"/people?limit=100&cursor={_drf(*each)}" for each in places))
        sides = {
            "deep page": _timing(ours, "deep page", deep, lab),
            "first page": _timing(ours, "first page", first, lab),
            **{
                each.side: _timing(each, each.side, by_cursor if each.side == "DRF" else by_place, lab)
                for each in peers
            },
        }
        samples = await lab.run(sides)
    against = {"first page": PAGE, **{peer.side: _PEERS[peer.side] for peer in peers}}
    return [lab.compare(row, samples["deep page"], samples[side], deep.client) for side, row in against.items()]


async def _places(url: str, depth: int) -> list[tuple[str, int]]:
    """Where the pages begin, as the peers call it."""
    connection = await asyncpg.connect(url)
    rows = [await connection.fetchrow(_PLACES, depth + 100 * page - 1, 1) for page in range(PAGES)]
    await connection.close()
    return [(quote(row["joined"].isoformat()), row["id"]) for row in rows if row is not None]


def _drf(joined: str, id: int) -> str:
    """A cursor as CursorPagination writes it: of the columns it holds the first."""
    return quote(b64encode(f"p={joined}".encode()).decode())


def _timing(server: Server, side: str, traffic: Traffic, lab: Lab) -> Callable[[], Awaitable[Sample]]:
    async def run() -> Sample:
        sample = await server.measure(traffic, lab.seconds)
        return Sample(side=side, value=1000 / sample.value, unit="ms a page", facts=sample.facts)

    return run
