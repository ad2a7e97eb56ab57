"""Making links, following them, and who may change them."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apps.links.code import RESERVED
from apps.people.testing import Join
from headwater.testing import Client, Reply, RunningBackend

TARGET = "https://example.com/a?b=c"


async def make(client: Client, **given: Any) -> Reply:
    return await client.post("/links", json={"target": TARGET, **given})


async def expire(backend: RunningBackend, code: str) -> None:
    async with backend.transaction() as tx:
        await tx.run("update links.link set expires_at = now() where code = $1", code)


async def test_a_link_is_made_and_leads_on(backend: RunningBackend) -> None:
    made = await make(backend.client)
    code = made.json()["code"]
    assert (made.status, made.headers["location"], len(code)) == (201, f"/links/{code}", 7)
    led = await backend.client.get(f"/{code}")
    assert (led.status, led.headers["location"], led.headers["cache-control"]) == (302, TARGET, "private, no-store")


async def test_a_permanent_link_is_remembered_for_an_hour_and_no_longer_than_it_lives(backend: RunningBackend) -> None:
    soon = (datetime.now(UTC) + timedelta(seconds=60)).isoformat()
    await make(backend.client, alias="long-lived", status=301)
    await make(backend.client, alias="short-lived", status=301, expires_at=soon)
    long, short = await backend.client.get("/long-lived"), await backend.client.get("/short-lived")
    assert (long.status, long.headers["cache-control"]) == (301, "private, max-age=3600")
    assert 0 <= int(short.headers["cache-control"].removeprefix("private, max-age=")) <= 60


async def test_a_link_that_has_expired_is_gone(backend: RunningBackend) -> None:
    await make(backend.client, alias="sale")
    await expire(backend, "sale")
    gone = await backend.client.get("/sale")
    assert (gone.status, gone.headers["content-type"]) == (410, "application/problem+json")
    assert "location" not in gone.headers


async def test_a_link_that_never_was_is_not_found(backend: RunningBackend) -> None:
    assert (await backend.client.get("/nothing")).status == 404


async def test_an_alias_is_given_once(backend: RunningBackend) -> None:
    assert (await make(backend.client, alias="sale")).status == 201
    taken = await make(backend.client, alias="sale")
    assert taken.status == 409
    assert "There is a link called" in taken.json()["detail"]


async def test_of_many_who_want_one_alias_at_once_one_gets_it(backend: RunningBackend) -> None:
    wanted = [make(backend.client, alias="sale", target=f"https://example.com/{n}") for n in range(20)]
    answers = await asyncio.gather(*wanted)
    assert sorted(answer.status for answer in answers) == [201, *[409] * 19]
    (winner,) = (answer.json()["target"] for answer in answers if answer.status == 201)
    assert (await backend.client.get("/sale")).headers["location"] == winner


async def test_a_code_that_happens_to_be_taken_is_drawn_again(
    backend: RunningBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = iter(["first01", "first01", "other01"])
    monkeypatch.setattr("apps.links.links.draw_code", lambda: next(drawn))
    codes = [(await make(backend.client)).json()["code"] for _ in range(2)]
    assert codes == ["first01", "other01"]


@pytest.mark.parametrize("alias", sorted(RESERVED & {"links", "docs", "livez", "people"}))
async def test_a_reserved_name_is_pointed_at(backend: RunningBackend, alias: str) -> None:
    refused = await make(backend.client, alias=alias)
    assert (refused.status, refused.json()["errors"][0]["pointer"]) == (422, "#/alias")


def test_every_path_of_the_backend_is_reserved(headwater_backend: Any) -> None:
    first = {route.path.split("/")[1] for route in headwater_backend.routes} - {"{code}"}
    assert first <= RESERVED


@pytest.mark.parametrize("alias", ["ab", "Sale", "-sale", "a b", "a/b", "ä" * 5, "a" * 41])
async def test_an_alias_that_cannot_stand_in_a_path_is_pointed_at(backend: RunningBackend, alias: str) -> None:
    refused = await make(backend.client, alias=alias)
    assert (refused.status, refused.json()["errors"][0]["pointer"]) == (422, "#/alias")


async def test_a_target_that_is_refused_is_pointed_at(backend: RunningBackend) -> None:
    for target in ("http://127.0.0.1/admin", "https://testserver/again", "ftp://example.com/"):
        refused = await make(backend.client, target=target)
        assert (refused.status, refused.json()["errors"][0]["pointer"]) == (422, "#/target")


async def test_a_blocked_host_stops_new_links_and_old_ones(backend: RunningBackend) -> None:
    await make(backend.client, alias="mine", target="https://shop.bad.example/a")
    await make(backend.client, alias="similar", target="https://notbad.example/a")
    async with backend.transaction() as tx:
        await tx.run("insert into links.blocked_host (host) values ('bad.example')")
    await backend.settle()
    assert (await make(backend.client, target="https://bad.example/b")).status == 422
    assert [(await backend.client.get(f"/{code}")).status for code in ("mine", "similar")] == [410, 302]
    async with backend.transaction() as tx:
        await tx.run("delete from links.blocked_host")
    await backend.settle()
    assert (await backend.client.get("/mine")).status == 302


async def test_an_owner_changes_a_link_and_others_do_not_see_it(backend: RunningBackend, join: Join) -> None:
    ada, bob = (await join("Ada")).client, (await join("Bob")).client
    await make(ada, alias="sale")
    changed = await ada.patch("/links/sale", json={"target": "https://example.com/b", "status": 301})
    assert (changed.status, changed.json()["revision"], changed.json()["status"]) == (200, 2, 301)
    assert (await backend.client.get("/sale")).headers["location"] == "https://example.com/b"
    others = [
        await bob.get("/links/sale"),
        await bob.get("/links/sale/statistics"),
        await bob.patch("/links/sale", json={"status": 302}),
        await bob.delete("/links/sale"),
    ]
    assert [answer.status for answer in others] == [404] * 4
    assert [link["code"] for link in (await ada.get("/links")).json()["items"]] == ["sale"]
    assert (await bob.get("/links")).json()["items"] == []


async def test_a_link_made_without_a_key_is_changed_by_nobody(backend: RunningBackend, join: Join) -> None:
    await make(backend.client, alias="sale")
    assert (await backend.client.patch("/links/sale", json={"status": 301})).status == 401
    assert (await (await join("Ada")).client.patch("/links/sale", json={"status": 301})).status == 404


async def test_what_is_left_out_of_a_change_stays_and_null_takes_an_expiry_away(join: Join) -> None:
    ada = (await join("Ada")).client
    later = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    await make(ada, alias="sale", expires_at=later)
    assert (await ada.patch("/links/sale", json={"status": 301})).json()["expires_at"] is not None
    assert (await ada.patch("/links/sale", json={"expires_at": None})).json()["expires_at"] is None


async def test_of_two_edits_of_one_revision_the_second_is_refused(join: Join) -> None:
    ada = (await join("Ada")).client
    await make(ada, alias="sale")
    etag = (await ada.get("/links/sale")).headers["etag"]
    edits = [
        ada.patch("/links/sale", json={"target": f"https://example.com/{n}"}, headers={"If-Match": etag})
        for n in range(5)
    ]
    assert sorted(answer.status for answer in await asyncio.gather(*edits)) == [200, 412, 412, 412, 412]


async def test_a_code_that_was_taken_back_is_never_given_again(backend: RunningBackend, join: Join) -> None:
    ada = (await join("Ada")).client
    await make(ada, alias="sale")
    assert (await ada.delete("/links/sale")).status == 204
    assert (await backend.client.get("/sale")).status == 410
    assert (await ada.get("/links/sale")).status == 404
    assert (await make(ada, alias="sale")).status == 409


async def test_every_visit_is_counted_once(backend: RunningBackend, join: Join) -> None:
    ada = (await join("Ada")).client
    for alias in ("sale", "news"):
        await make(ada, alias=alias)
    await asyncio.gather(*(backend.client.get("/sale") for _ in range(60)), *(ada.get("/news") for _ in range(5)))
    await backend.client.get("/nothing")
    await backend.settle()
    today = datetime.now(UTC).date().isoformat()
    counted = (await ada.get("/links/sale/statistics")).json()
    assert counted == {"code": "sale", "total": 60, "days": [{"day": today, "count": 60}]}
    assert (await ada.get("/links/news/statistics")).json()["total"] == 5


async def test_who_only_asks_where_a_link_leads_is_told_and_not_counted(backend: RunningBackend, join: Join) -> None:
    ada = (await join("Ada")).client
    await make(ada, alias="sale")
    asked = await backend.client.head("/sale")
    assert (asked.status, asked.headers["location"]) == (302, TARGET)
    await backend.settle()
    assert (await ada.get("/links/sale/statistics")).json()["total"] == 0


async def test_what_others_have_appended_to_a_link_does_not_matter(backend: RunningBackend) -> None:
    await make(backend.client, alias="sale")
    assert (await backend.client.get("/sale?fbclid=abc&utm_source=mail")).headers["location"] == TARGET


async def test_who_guesses_is_slowed_down_and_who_follows_is_not(backend: RunningBackend) -> None:
    await make(backend.client, alias="sale")
    guesses = [(await backend.client.get(f"/guess{n}")).status for n in range(70)]
    assert (set(guesses[:60]), guesses[-1]) == ({404}, 429)
    assert {(await backend.client.get("/sale")).status for _ in range(100)} == {302}


async def test_statistics_are_of_the_days_that_were_asked_for(backend: RunningBackend, join: Join) -> None:
    ada = (await join("Ada")).client
    await make(ada, alias="sale")
    async with backend.transaction() as tx:
        await tx.run(
            "insert into links.clicks select 'sale', '2026-01-01'::date + n, n + 1 from generate_series(0, 9) n"
        )
    counted = (await ada.get("/links/sale/statistics?since=2026-01-03&until=2026-01-04")).json()
    assert (counted["total"], [day["count"] for day in counted["days"]]) == (55, [3, 4])
    assert (await ada.get("/links/sale/statistics?since=2026-01-05&until=2026-01-04")).status == 422


async def test_statistics_until_the_first_day_that_there_is_are_empty(join: Join) -> None:
    ada = (await join("Ada")).client
    await make(ada, alias="sale")
    assert (await ada.get("/links/sale/statistics?until=0001-01-01")).json()["days"] == []


async def test_an_expiry_that_no_clock_has_seen_is_pointed_at(join: Join) -> None:
    ada = (await join("Ada")).client
    never = {"expires_at": "0001-01-01T00:00:00Z"}
    await make(ada, alias="sale")
    for answer in (await make(ada, alias="fair", **never), await ada.patch("/links/sale", json=never)):
        assert (answer.status, answer.json()["errors"][0]["pointer"]) == (422, "#/expires_at")


async def test_the_links_of_who_has_left_lead_on_and_are_nobodys(backend: RunningBackend, join: Join) -> None:
    ada = await join("Ada")
    await make(ada.client, alias="sale")
    await ada.client.delete("/people/me")
    await backend.settle()
    assert (await backend.client.get("/sale")).status == 302
    assert await backend.db.all(str, "select code from links.link where owner is not null") == []


async def test_the_demo_links_lead_on(backend: RunningBackend) -> None:
    await backend.seed()
    assert (await backend.client.get("/wal")).status == 302
    assert (await backend.client.get("/asyncio")).status == 301
