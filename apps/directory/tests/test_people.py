"""People: loaded, paged, exported, searched, counted."""

import asyncio
from datetime import date
from itertools import islice
from typing import Any

import msgspec

from apps.directory.census import COLUMNS, LANDS, people
from apps.directory.load import load_people
from apps.directory.rows import Person, Statistics
from headwater.testing import RunningBackend


async def put(backend: RunningBackend, count: int) -> None:
    async with backend.transaction() as tx:
        await tx.copy("directory.person", people(count), COLUMNS)


async def pages(backend: RunningBackend, query: str) -> list[Any]:
    """Everything that a query lists, page after page."""
    found, cursor = [], ""
    while True:
        reply = await backend.client.get(f"/people?{query}{cursor}")
        assert reply.status == 200, reply.text
        page = reply.json()
        found += page["items"]
        if page["next"] is None:
            return found
        cursor = f"&cursor={page['next']}"


def test_the_same_seed_makes_the_same_people_and_another_makes_others() -> None:
    assert list(people(50)) == list(people(50))
    assert list(people(50)) != list(people(50, seed=1))
    assert list(people(15_000))[:10_000] == list(islice(people(10_000), 10_000))


def test_people_are_plausible() -> None:
    made = list(people(20_000))
    ages = [(date(2026, 1, 1) - born).days // 365 for *_, born, _ in made if born is not None]
    assert len({email for _, _, email, *_ in made}) == 20_000
    assert {country for _, _, _, country, *_ in made} == {land.code for land in LANDS}
    assert (min(ages) >= 13, max(ages) <= 95) == (True, True)
    assert 0.02 < sum(born is None for *_, born, _ in made) / 20_000 < 0.04
    assert all(email.isascii() for _, _, email, *_ in made)


async def test_every_order_shows_everybody_once(backend: RunningBackend) -> None:
    await put(backend, 1_000)
    for sort in ("name", "-born", "country,-joined,name"):
        listed = await pages(backend, f"sort={sort}&limit=100&fields=id,{sort.replace('-', '')}")
        assert sorted(each["id"] for each in listed) == list(range(1, 1_001))
    assert [each["born"] for each in listed if "born" in each] == []


async def test_people_are_filtered_by_where_they_live_and_when_they_were_born(backend: RunningBackend) -> None:
    await put(backend, 1_000)
    found = await pages(backend, "country[in]=SE&country[in]=DE&born[ge]=2000-01-01&sort=-born&limit=100")
    expected = await backend.db.one(
        int, "select count(*) from directory.person where country in ('SE', 'DE') and born >= '2000-01-01'"
    )
    assert len(found) == expected > 0
    assert [each["born"] for each in found] == sorted((each["born"] for each in found), reverse=True)


async def test_the_export_is_everybody_one_a_line(backend: RunningBackend) -> None:
    await put(backend, 3_000)
    export = await backend.client.get("/people/export")
    assert (export.status, export.complete, export.headers["content-type"]) == (200, True, "application/x-ndjson")
    lines = msgspec.json.Decoder(Person).decode_lines(export.body)
    assert sorted(each.id for each in lines) == list(range(1, 3_001))
    assert (await backend.client.get("/people/1")).json(Person) in lines
    swedes = await backend.client.get("/people/export?country=SE")
    assert {each.country for each in msgspec.json.Decoder(Person).decode_lines(swedes.body)} == {"SE"}


async def test_somebody_is_offered_while_his_name_is_typed(backend: RunningBackend) -> None:
    await put(backend, 3_000)
    found = (await backend.client.get("/people/beginning?prefix=b&limit=3")).json()
    assert len(found) == 3
    assert all(each["name"].startswith("B") for each in found)
    assert (await backend.client.get("/people/beginning?prefix=%25")).json() == []


async def test_a_misspelt_name_is_found(backend: RunningBackend) -> None:
    await put(backend, 3_000)
    async with backend.transaction() as tx:
        await tx.run("update directory.person set name = 'Xanthippe Zimmermann' where id = 7")
    found = (await backend.client.get("/people/resembling?name=Xantipe%20Zimerman")).json()
    assert (found[0]["id"], found[0]["name"]) == (7, "Xanthippe Zimmermann")
    likeness = [each["likeness"] for each in found]
    assert likeness == sorted(likeness, reverse=True)


async def test_counts_add_up(backend: RunningBackend) -> None:
    await put(backend, 2_000)
    counted = (await backend.client.get("/people/statistics")).json(Statistics)
    silent = await backend.db.one(int, "select count(*) from directory.person where born is null")
    assert counted.people == sum(each.people for each in counted.joined) == 2_000
    assert sum(each.people for each in counted.ages) + silent == 2_000
    assert (counted.ages[0].since, counted.joined[-1].year) == (10, 2025)


async def test_loading_takes_the_place_of_those_who_were_there_and_keeps_the_indexes(backend: RunningBackend) -> None:
    before = await backend.db.all(str, "select indexdef from pg_indexes where tablename = 'person' order by 1")
    await put(backend, 10)
    async with backend.transaction() as tx:
        assert await load_people(tx, 20_000, seed=7) == 20_000
    assert await backend.db.one(int, "select count(*) from directory.person") == 20_000
    after = await backend.db.all(str, "select indexdef from pg_indexes where tablename = 'person' order by 1")
    assert after == before


async def test_a_deep_page_reads_no_more_of_the_table_than_the_first(backend: RunningBackend) -> None:
    async with backend.transaction() as tx:
        await load_people(tx, 20_000)
    deep = "select {} from directory.person where (name, id) > ($1, $2) order by name, id limit 101"
    name, id = await backend.db.one(
        tuple[str, int], "select name, id from directory.person order by name, id offset 18000 limit 1"
    )
    for sql, arguments in [(deep.format("id, name"), (name, id)), (deep.format("id, name"), ("", 0))]:
        plan = await backend.db.all(str, f"explain (analyze, costs off, timing off) {sql}", *arguments)
        read = next(line for line in plan if "->" in line)
        assert "Index Only Scan using person_by_name" in read, plan
        assert "actual rows=101.00" in read, plan


LEAVE = "delete from directory.person where id between $1 and $1 + 19 and id % 2 = 1"
MOVE = "update directory.person set name = reverse(name) where id between $1 + 20 and $1 + 39 and id % 2 = 1"
ARRIVE = """
insert into directory.person
select 1000001 + 2 * ($1 * 20 + n), chr(65 + n) || $1, $1 || '.' || n, 'SE', 'Malmö', null, now()
from generate_series(0, 19) n
"""


async def test_a_long_walk_shows_everybody_once_while_others_come_and_go(backend: RunningBackend) -> None:
    async with backend.transaction() as tx:
        await load_people(tx, 20_000)
    walking = asyncio.Event()

    async def come_and_go() -> int:
        """Who has an odd number leaves, or moves away under another name; and newcomers arrive everywhere."""
        rounds = 0
        async with backend.pool.acquire() as connection:
            while not walking.is_set():
                low = 1 + rounds * 40 % 20_000
                await connection.execute(LEAVE, low)
                await connection.execute(MOVE, low)
                await connection.execute(ARRIVE, rounds)
                rounds += 1
        return rounds

    others = asyncio.create_task(come_and_go())
    seen = [each["id"] for each in await pages(backend, "sort=name&limit=100&fields=id")]
    walking.set()
    assert await others > 10
    assert sorted(id for id in seen if id % 2 == 0) == list(range(2, 20_001, 2))


async def test_no_declared_order_lacks_its_index(backend: RunningBackend, capfd: Any) -> None:
    await backend.backend.close()
    await backend.backend.open(backend.settings)
    assert "IndexMissing" not in capfd.readouterr().err
