"""Which indexes serve the declared orders, asked of PostgreSQL itself."""

import re
from typing import Annotated, Any

import pytest

from headwater.app import App
from headwater.backend import Backend
from headwater.db import Db, Pool
from headwater.http import Listing, Page, Pages, Route
from headwater.http.page.indexes import IndexMissing, missing_indexes
from headwater.http.page.plan import PagePlan
from headwater.observe import subscribe
from headwater.settings import Settings
from headwater.types import Row
from tests.integration.db.servers import connected, execute
from tests.integration.http.listing import serving, walk

TABLE = """
create table person (
    id bigint primary key, name text not null, born integer, "user" text not null unique, team text not null
)
"""


class Person(Row, table="person"):
    id: int
    name: str
    born: int | None
    user: str
    team: str


async def lacking(url: str, *sort: str, indexes: tuple[str, ...] = (), **options: Any) -> list[str]:
    await execute(url, "drop table if exists person", TABLE, *indexes)
    pool = await Pool.open(url, size=1, application_name="test")
    try:
        missing = await missing_indexes(Db(pool), [PagePlan(Pages(Person, sort=sort, **options))])
    finally:
        await pool.close()
    return [each.create.removeprefix("create index concurrently ") for each in missing]


NAME = "person_by_name_id on person (name, id)"


@pytest.mark.parametrize(
    "index",
    [
        "(name, id)",
        "(name desc, id desc)",
        "(name, id, born)",
        "(name, id) include (born)",
    ],
)
async def test_an_index_serves_an_order_from_either_end(url: str, index: str) -> None:
    for sort in ("name", "-name"):
        assert await lacking(url, sort, indexes=(f"create index on person {index}",)) == []


@pytest.mark.parametrize(
    "index",
    [
        "(name)",
        "(id, name)",
        "(name, id desc)",
        "(name desc nulls last, id desc)",
        "(name text_pattern_ops, id)",
        '(name collate "C", id)',
        "(lower(name), id)",
        "(name, id) where born is null",
    ],
)
async def test_an_index_that_is_nearly_one_does_not(url: str, index: str) -> None:
    assert await lacking(url, "name", indexes=(f"create index on person {index}",)) == [NAME]


async def test_what_is_missing_is_named_once_with_the_statement_that_makes_it(url: str) -> None:
    missing = await lacking(url, "name", "-name", "born", "id", "user", "-born,name", "name,-born")
    assert missing == [
        NAME,
        "person_by_born_id on person (born, id)",
        "person_by_born_name_id on person (born, name desc, id desc)",
        "person_by_name_born_id on person (name, born desc nulls last, id desc)",
    ]
    created = tuple(f"create index {each}" for each in missing)
    assert await lacking(url, "name", "-name", "born", "id", "user", "-born,name", "name,-born", indexes=created) == []


async def test_a_tenant_stands_before_the_order(url: str) -> None:
    missing = await lacking(url, "user", tenant="team")
    assert missing == ['person_by_team_user_id on person (team, "user", id)']
    assert await lacking(url, "user", tenant="team", indexes=(f"create index {missing[0]}",)) == []


async def test_what_a_list_is_within_stands_before_the_order(url: str) -> None:
    missing = await lacking(url, "name", within="team")
    assert missing == ["person_by_team_name_id on person (team, name, id)"]
    assert await lacking(url, "name", within="team", indexes=(f"create index {missing[0]}",)) == []


async def test_what_is_no_table_needs_no_index(url: str) -> None:
    assert await lacking(url, "name", table="nowhere.to_be_found") == []
    await execute(url, "create view people as select 1 as id")
    assert await lacking(url, "name", table="people") == []


THINGS = Pages(Person, sort=("name", "born", "-born,name", "name,-born"), default="name", limit=10)


async def list_people(db: Db, page: Annotated[Page, THINGS]) -> Listing[Person]:
    return await page.read(db)


async def _plans(url: str, statements: list[tuple[str, tuple[Any, ...]]]) -> list[str]:
    async with connected(url) as connection:
        # The table is small, so that sorting would be cheap; here it is only to be seen whether it could be avoided.
        await connection.execute("set enable_sort = off; set enable_bitmapscan = off; set enable_seqscan = off")
        return [
            "\n".join(row[0] for row in await connection.fetch(f"explain (costs off) {sql}", *arguments))
            for sql, arguments in statements
        ]


@pytest.mark.parametrize("sort", ["name", "-name", "born", "-born", "-born,name", "born,-name", "name,-born"])
async def test_with_the_named_indexes_every_page_is_read_from_an_index_without_sorting_the_table(
    url: str, sort: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    created = await lacking(url, *THINGS.sort)
    await execute(url, *(f"create index {each}" for each in created))
    await execute(
        url,
        "insert into person select n, 'name ' || n % 100, case when n % 3 > 0 then n % 50 end, n, '' "
        "from generate_series(1, 3000) n",
        "vacuum analyze person",
    )
    seen: list[tuple[str, tuple[Any, ...]]] = []
    read = Db._fetch

    async def spy(self: Db, sql: str, args: tuple[Any, ...]) -> Any:
        seen.append((sql, args))
        return await read(self, sql, args)

    monkeypatch.setattr(Db, "_fetch", spy)
    route = Route(method="GET", path="/people", handler=list_people)
    async with serving(url, route, table="") as client:
        pages = [reply async for reply in walk(client, f"/people?sort={sort}&limit=10") if reply.json()["next"]]
    assert len(pages) == 299
    statements = [each for each in seen if "person" in each[0]]
    for plan in set(await _plans(url, statements)):
        sorted_by = re.findall(r"Sort Key: .*\n *->  (.*)", plan)
        assert all(each.startswith(("Limit", "Append", "Merge Append")) for each in sorted_by), plan
        assert "Seq Scan" not in plan, plan
        assert "Filter" not in plan, plan


async def test_a_backend_says_at_its_start_what_its_lists_lack_and_starts_all_the_same(url: str) -> None:
    await execute(url, TABLE, "create index on person (name, id)")
    app = App("registry")
    app.query("GET /people")(list_people)
    reported: list[Any] = []
    end, backend = subscribe(reported.append), Backend(app)
    try:
        await backend.open(Settings(postgres_url=url, log_level="error"))
        await backend.close()
    finally:
        end()
    missing = [each for each in reported if isinstance(each, IndexMissing)]
    assert [(each.table, each.sort, each.level) for each in missing] == [
        ("person", "born,id", "warning"),
        ("person", "-born,name,id", "warning"),
        ("person", "name,-born,-id", "warning"),
    ]
    assert missing[0].create == "create index concurrently person_by_born_id on person (born, id)"
