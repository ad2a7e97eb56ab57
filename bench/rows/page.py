"""A page of 100 at depth 900,000 of 1,000,000 rows, against the first page of the same list."""

from collections.abc import Awaitable, Callable

from bench.directory import BACKEND, cursors_at, directory_database
from bench.lab import Lab
from bench.row import RATIO, Goal, Result, Row, Sample, Sense
from bench.servers import Server, headwater_server
from bench.traffic import Traffic
from headwater.settings import Settings

PAGE = Row(
    name="page",
    work="a page of 100 at depth 900,000 of 1,000,000 rows",
    against="the first page",
    goal=Goal(Sense.AT_MOST, 1.3, RATIO),
)
ROWS = (PAGE,)

PEOPLE, DEPTH = 1_000_000, 900_000
PAGES = 20
"""Pages at that depth that are asked for in turn."""

_LIST = "/people?sort=-joined"


async def measure(lab: Lab) -> list[Result]:
    people, depth = lab.size(PEOPLE), lab.size(DEPTH)
    async with lab.postgres() as databases, directory_database(databases, people) as url:
        lab.tell(f"  walking to depth {depth:,}")
        cursors = await cursors_at(url, _LIST, depth, PAGES)
        with lab.part("page") as folder:
            deep, first = lab.part("deep"), lab.part("first")
            with deep as deep_folder, first as first_folder:
                paths = [f"{_LIST}&limit=100&cursor={cursor}" for cursor in cursors]
                traffic = {
                    "deep page": Traffic([("GET", path, "") for path in paths], deep_folder, own_client=lab.own_client),
                    "first page": Traffic([("GET", f"{_LIST}&limit=100", "")], first_folder, own_client=lab.own_client),
                }
                async with headwater_server("Headwater", BACKEND, Settings(postgres_url=url), folder) as server:
                    samples = await lab.run({side: _timing(server, side, each, lab) for side, each in traffic.items()})
    return [lab.compare(PAGE, samples["deep page"], samples["first page"], traffic["deep page"].client)]


def _timing(server: Server, side: str, traffic: Traffic, lab: Lab) -> Callable[[], Awaitable[Sample]]:
    async def run() -> Sample:
        sample = await server.measure(traffic, lab.seconds)
        return Sample(side=side, value=1000 / sample.value, unit="ms a page", facts=sample.facts)

    return run
