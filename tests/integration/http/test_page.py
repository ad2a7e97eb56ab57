"""Pages on PostgreSQL: order, filters, fields, counts, links, and cursors that hold."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import pytest

from headwater.db import Db
from headwater.http import Bearer, Compiler, Listing, Page, Pages, Principal, Route, RouteError
from headwater.http.version import Converter, Versions
from headwater.part import Declarations
from headwater.parts import platform_parts
from headwater.testing import Clock
from headwater.testing.client import Client, Reply
from headwater.types import Row
from tests.integration.db.servers import execute
from tests.integration.http.listing import ANIMALS, Animal, animals, names, serving, walk, with_cursor

ZOO = list(
    animals(
        ("ant", {"born": "2020-01-01", "size": "small", "weight": 0.5}),
        ("bee", {"size": "small"}),
        ("cat", {"born": "2019-05-05", "weight": 4, "seen": "2026-01-01T12:00:00Z"}),
        ("dog", {"born": "2020-01-01", "size": "large", "weight": "NaN"}),
        ("elk", {"size": "large", "herd": "b"}),
    )
)


async def errors(client: Client, query: str) -> list[str]:
    reply = await client.get(f"/animals?{query}")
    assert reply.status == 422, reply.text
    return [error["parameter"] for error in reply.json()["errors"]]


def refusal(reply: Reply) -> tuple[int, str, str]:
    problem = reply.json()
    return reply.status, problem["type"].rpartition(":")[2], problem["detail"]


async def test_a_list_is_walked_in_its_order_a_page_at_a_time(url: str) -> None:
    async with serving(url) as client:
        await execute(url, *ZOO)
        pages = [reply.json() async for reply in walk(client, "/animals?limit=2")]
    assert [[item["name"] for item in page["items"]] for page in pages] == [["ant", "bee"], ["cat", "dog"], ["elk"]]
    assert pages[0]["previous"] is None
    assert pages[0]["count"] is None
    assert pages[-1]["next"] is None


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("name", ["ant", "bee", "cat", "dog", "elk"]),
        ("-name", ["elk", "dog", "cat", "bee", "ant"]),
        ("born,name", ["cat", "ant", "dog", "bee", "elk"]),
        ("-born,name", ["ant", "dog", "cat", "bee", "elk"]),
        ("-born,-name", ["dog", "ant", "cat", "elk", "bee"]),
        ("size,-born,name", ["dog", "elk", "ant", "bee", "cat"]),
        ("weight,name", ["ant", "cat", "dog", "bee", "elk"]),
        ("-seen,-name,name", ["cat", "elk", "dog", "bee", "ant"]),
    ],
)
async def test_rows_without_a_value_come_last_in_either_direction(url: str, sort: str, expected: list[str]) -> None:
    async with serving(url) as client:
        await execute(url, *ZOO)
        for limit in (1, 2, 5):
            assert await names(client, f"/animals?sort={sort}&limit={limit}") == expected


async def test_walking_back_shows_the_same_pages(url: str) -> None:
    async with serving(url) as client:
        await execute(url, *ZOO)
        there = [reply.json() async for reply in walk(client, "/animals?sort=-born,name&limit=2")]
        back = [
            reply.json()
            async for reply in walk(
                client, "/animals?sort=-born,name&limit=2", step="previous", cursor=there[-1]["previous"]
            )
        ]
    assert [page["items"] for page in back] == [page["items"] for page in there[-2::-1]]
    assert (back[-1]["previous"], back[-1]["next"]) == (None, there[0]["next"])


async def test_an_end_that_was_emptied_can_be_left_backwards_and_nothing_is_skipped(url: str) -> None:
    async with serving(url) as client:
        await execute(url, *ZOO)
        first = (await client.get("/animals?limit=3")).json()
        await execute(url, "delete from animal where name > 'cat'")
        end = (await client.get(with_cursor("/animals?limit=3", first["next"]))).json()
        assert (end["items"], end["next"]) == ([], None)
        back = (await client.get(with_cursor("/animals?limit=3", end["previous"]))).json()
        assert [item["name"] for item in back["items"]] == ["ant", "bee", "cat"]
        await execute(url, "delete from animal")
        start = (await client.get(with_cursor("/animals", back["next"]))).json()
        start = (await client.get(with_cursor("/animals", start["previous"]))).json()
        assert (start["items"], start["previous"]) == ([], None)
        await execute(url, *ZOO)
        assert (await client.get(with_cursor("/animals", start["next"]))).json()["items"][0]["name"] == "dog"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("name=cat", ["cat"]),
        ("name[ne]=cat", ["ant", "bee", "dog", "elk"]),
        ("name[in]=cat&name[in]=ant", ["ant", "cat"]),
        ("name%5Bprefix%5D=e", ["elk"]),
        ("name[prefix]=%25", []),
        ("born[ge]=2020-01-01", ["ant", "dog"]),
        ("born[lt]=2020-01-01", ["cat"]),
        ("born[null]=true", ["bee", "elk"]),
        ("born[null]=false&size=large", ["dog"]),
        ("size[in]=large", ["dog", "elk"]),
        ("seen[ge]=2026-01-01T13:00:00%2B01:00", ["cat"]),
        ("id[in]=00000000-0000-0000-0000-000000000002", ["bee"]),
    ],
)
async def test_filters_let_through_what_they_say(url: str, query: str, expected: list[str]) -> None:
    async with serving(url) as client:
        await execute(url, *ZOO)
        assert await names(client, f"/animals?limit=1&{query}") == expected


async def test_every_error_of_a_request_is_told_at_once(url: str) -> None:
    async with serving(url) as client:
        query = (
            "sort=colour&limit=0&fields=name,name&count=some&born[ge]=monday&size=huge&colour=red"
            "&seen[ge]=2026-01-01T12:00:00&name=a&name=b&born=2020-01-01&" + "&".join(["name[in]=x"] * 51)
        )
        assert sorted(await errors(client, query)) == sorted(
            ["colour", "born", "sort", "limit", "fields", "count", "born[ge]", "size", "seen[ge]", "name", "name[in]"]
        )
        assert await errors(client, f"name={'x' * 256}") == ["name"]
        assert await errors(client, "sort=") == ["sort"]
        assert await errors(client, "sort=name,name") == ["sort"]
        assert await errors(client, "name=%00") == ["name"]


async def test_only_the_fields_that_were_asked_for_are_shown(url: str) -> None:
    async with serving(url) as client:
        await execute(url, *ZOO)
        pages = [reply.json() async for reply in walk(client, "/animals?fields=id,size&sort=-name&limit=4")]
    assert pages[0]["items"][0] == {"id": "00000000-0000-0000-0000-000000000005", "size": "large"}
    assert {tuple(item) for page in pages for item in page["items"]} == {("id", "size")}
    assert sum(len(page["items"]) for page in pages) == 5


async def test_a_list_is_counted_when_it_is_asked_for(url: str) -> None:
    async with serving(url) as client:
        await execute(url, *ZOO, "analyze animal")
        assert (await client.get("/animals?count=exact&limit=1")).json()["count"] == 5
        assert (await client.get("/animals?count=exact&born[null]=true")).json()["count"] == 2
        assert (await client.get("/animals?count=estimate")).json()["count"] == 5
        assert (await client.get("/animals?count=none")).json()["count"] is None


async def test_a_count_that_takes_too_long_is_given_up(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headwater.http.page.page.COUNT_SECONDS", 0)
    async with serving(url) as client:
        reply = await client.get("/animals?count=exact")
        assert (reply.status, "count=estimate" in reply.json()["detail"]) == (504, True)
        assert (await client.get("/animals")).status == 200


async def test_links_keep_the_whole_query(url: str) -> None:
    async with serving(url) as client:
        await execute(url, *ZOO)
        query = "sort=-born,name&born[ge]=2000-01-01&limit=1"
        first = await client.get(f"/animals?{query}")
        second = await client.get(with_cursor(f"/animals?{query}", first.json()["next"]))
        base = "/animals?sort=-born,name&born%5Bge%5D=2000-01-01&limit=1"
        assert first.headers["link"] == (f'<{base}&cursor={first.json()["next"]}>; rel="next", <{base}>; rel="first"')
        assert second.headers["link"] == (
            f'<{base}&cursor={second.json()["next"]}>; rel="next", '
            f'<{base}&cursor={second.json()["previous"]}>; rel="prev", <{base}>; rel="first"'
        )
        target = first.headers["link"].partition(">")[0].removeprefix("<")
        assert (await client.get(target)).json() == second.json()


async def test_a_page_read_twice_is_the_same_to_the_byte_until_its_cursors_are_renewed(url: str) -> None:
    clock = Clock(datetime(2026, 11, 24, tzinfo=UTC), frozen=True)
    async with serving(url, clock=clock) as client:
        await execute(url, *ZOO)
        first = await client.get("/animals?limit=1")
        clock.jump(hours=23)
        assert (await client.get("/animals?limit=1")).body == first.body
        clock.jump(hours=24)
        assert (await client.get(with_cursor("/animals", first.json()["next"]))).status == 200
        clock.jump(hours=1)
        expired = await client.get(with_cursor("/animals", first.json()["next"]))
    assert refusal(expired) == (400, "cursor-invalid", "The cursor has expired; start at the first page.")


async def test_a_cursor_is_good_for_its_own_list_sort_and_filters_only(url: str) -> None:
    async with serving(url) as client:
        await execute(url, *ZOO)
        cursor = (await client.get("/animals?limit=1")).json()["next"]
        for path, detail in {
            "/animals?sort=-name": "The cursor belongs to sort=name; send it with that, or leave it out.",
            "/animals?name[ne]=cat": "The cursor belongs to other filters; send it with those, or leave it out.",
            "/herds/a": "The cursor was not issued by this list.",
        }.items():
            assert refusal(await client.get(with_cursor(path, cursor))) == (400, "cursor-invalid", detail)
        of_herd = (await client.get("/herds/a?limit=1")).json()["next"]
        assert (await client.get(with_cursor("/herds/a", of_herd))).status == 200
        assert (await client.get(with_cursor("/herds/b", of_herd))).status == 400
        assert (await client.get(with_cursor("/animals?fields=name&limit=2&count=exact", cursor))).status == 200


async def test_workers_share_the_secret_that_the_database_keeps(url: str) -> None:
    async with serving(url) as one, serving(url, table="") as other:
        await execute(url, *ZOO)
        cursor = (await one.get("/animals?limit=1")).json()["next"]
        assert (await other.get(with_cursor("/animals", cursor))).status == 200


async def test_secrets_are_rotated_without_a_cursor_being_lost(url: str) -> None:
    old, new = "o" * 32, "n" * 32
    async with (
        serving(url, secret=old) as before,
        serving(url, secret=f"{new},{old}", table="") as between,
        serving(url, secret=new, table="") as after,
    ):
        await execute(url, *ZOO)
        cursor = (await before.get("/animals?limit=1")).json()["next"]
        assert (await between.get(with_cursor("/animals", cursor))).status == 200
        assert (await after.get(with_cursor("/animals", cursor))).status == 400
        cursor = (await between.get("/animals?limit=1")).json()["next"]
        assert (await after.get(with_cursor("/animals", cursor))).status == 200


HERDS = Pages(Animal, sort=("name",), tenant="herd", count=("none", "exact"), limit=2)
PRINCIPALS = {
    "ann": Principal("ann", tenant="a"),
    "abe": Principal("abe", tenant="a"),
    "bob": Principal("bob", tenant="b"),
    "tom": Principal("tom"),
    "tim": Principal("tim"),
}


async def find(db: Db, secret: str) -> Principal | None:
    return PRINCIPALS.get(secret)


async def list_own(db: Db, page: Annotated[Page, HERDS]) -> Listing[Animal]:
    return await page.read(db)


async def list_for(db: Db, principal: Principal, page: Annotated[Page, ANIMALS]) -> Listing[Animal]:
    return await page.read(db)


IDENTIFIED = (
    Route(method="GET", path="/own", handler=list_own),
    Route(method="GET", path="/all", handler=list_for),
)


def by(name: str) -> dict[str, str]:
    return {"authorization": f"Bearer {name}"}


async def test_a_list_that_belongs_to_tenants_shows_each_only_what_is_his(url: str) -> None:
    async with serving(url, *IDENTIFIED, identify=[Bearer(find)]) as client:
        await execute(url, *ZOO)
        a = (await client.get("/own?count=exact", headers=by("ann"))).json()
        b = (await client.get("/own?count=exact", headers=by("bob"))).json()
        assert ([item["name"] for item in a["items"]], a["count"]) == (["ant", "bee"], 4)
        assert ([item["name"] for item in b["items"]], b["count"]) == (["elk"], 1)
        assert (await client.get("/own")).status == 401
        assert (await client.get("/own", headers=by("tom"))).status == 403


async def test_a_cursor_is_good_for_its_tenant_only_or_for_its_principal_if_he_has_none(url: str) -> None:
    async with serving(url, *IDENTIFIED, identify=[Bearer(find)]) as client:
        await execute(url, *ZOO)
        for path, owner, shared, other in [
            ("/own", "ann", "abe", "bob"),
            ("/all", "ann", "abe", "bob"),
            ("/all", "tom", "tom", "tim"),
        ]:
            cursor = (await client.get(f"{path}?limit=1", headers=by(owner))).json()["next"]
            assert (await client.get(with_cursor(path, cursor), headers=by(shared))).status == 200
            refused = await client.get(with_cursor(path, cursor), headers=by(other))
            assert refusal(refused)[:2] == (400, "cursor-invalid")


def test_pages_of_tenants_need_to_know_who_asks() -> None:
    with pytest.raises(RouteError, match="its pages belong to tenants, but no authentication is configured"):
        Compiler(Declarations(platform_parts())).operations(IDENTIFIED[:1])


class OldAnimal(Row):
    id: UUID
    title: str


def to_old(animal: Animal) -> OldAnimal:
    return OldAnimal(id=animal.id, title=animal.name)


async def test_a_cursor_goes_on_in_another_version_and_links_stay_in_theirs(url: str) -> None:
    versions = Versions("1", "2", by=("uri",))
    converters = [Converter(version="1", direction="downgrade", convert=to_old)]
    async with serving(url, versions=versions, converters=converters) as client:
        await execute(url, *ZOO)
        old = await client.get("/v1/animals?limit=1")
        assert old.json()["items"] == [{"id": "00000000-0000-0000-0000-000000000001", "title": "ant"}]
        assert old.headers["link"].startswith("</v1/animals?limit=1&cursor=")
        on = await client.get(with_cursor("/v2/animals?limit=1&fields=name", old.json()["next"]))
        assert on.json()["items"] == [{"name": "bee"}]
        assert (await client.get("/v1/animals?fields=name")).status == 422
