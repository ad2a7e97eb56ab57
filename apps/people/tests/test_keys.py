"""Keys: shown once, never stored, rotated and revoked."""

from typing import Any

import pytest

from headwater.testing import Reply, RunningBackend


async def join(backend: RunningBackend, **given: str) -> dict[str, Any]:
    joined = await backend.client.post("/people", json={"name": "Ada", **given})
    assert joined.status == 201
    return dict(joined.json())


async def me(backend: RunningBackend, secret: str) -> Reply:
    return await backend.client.get("/people/me", headers=bearer(secret))


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


async def test_who_joins_is_known_by_the_key(backend: RunningBackend) -> None:
    ada = await join(backend, time_zone="Europe/London")
    profile = await me(backend, ada["key"]["secret"])
    assert (profile.status, profile.json()["id"], profile.json()["time_zone"]) == (200, ada["id"], "Europe/London")


async def test_a_secret_is_nowhere_in_the_database(backend: RunningBackend) -> None:
    secret = (await join(backend))["key"]["secret"]
    held = await backend.db.all(str, "select to_jsonb(k)::text from people.key as k")
    answers = await backend.db.one(int, "select count(*) from headwater.idempotency")
    assert held
    assert not any(secret in row for row in held)
    assert answers == 0


@pytest.mark.parametrize("secret", ["hwk_" + "x" * 43, "nonsense", "hwk_short"])
async def test_a_key_that_is_nobodys_opens_nothing(backend: RunningBackend, secret: str) -> None:
    refused = await me(backend, secret)
    assert (refused.status, "WWW-Authenticate" in refused.headers) == (401, True)


async def test_without_a_key_nobody_is_known(backend: RunningBackend) -> None:
    assert (await backend.client.get("/people/me")).status == 401


async def test_a_rotated_key_opens_for_a_while_and_the_new_one_at_once(backend: RunningBackend) -> None:
    key = (await join(backend))["key"]
    fresh = await backend.client.post(f"/people/me/keys/{key['id']}/rotation", headers=bearer(key["secret"]))
    assert [(await me(backend, secret)).status for secret in (key["secret"], fresh.json()["secret"])] == [200, 200]
    async with backend.transaction() as tx:
        await tx.run("update people.key set expires_at = now() where expires_at is not null")
    assert [(await me(backend, secret)).status for secret in (key["secret"], fresh.json()["secret"])] == [401, 200]


async def test_a_revoked_key_opens_nothing_at_once(backend: RunningBackend) -> None:
    first = (await join(backend))["key"]
    other = (await backend.client.post("/people/me/keys", json={"label": "ci"}, headers=bearer(first["secret"]))).json()
    revoked = await backend.client.delete(f"/people/me/keys/{first['id']}", headers=bearer(other["secret"]))
    assert (revoked.status, (await me(backend, first["secret"])).status) == (204, 401)
    left = (await backend.client.get("/people/me/keys", headers=bearer(other["secret"]))).json()
    assert [key["label"] for key in left] == ["ci"]


async def test_anothers_key_is_not_there(backend: RunningBackend) -> None:
    mine, theirs = (await join(backend))["key"], (await join(backend))["key"]
    path = f"/people/me/keys/{theirs['id']}"
    assert (await backend.client.delete(path, headers=bearer(mine["secret"]))).status == 404
    assert (await backend.client.post(f"{path}/rotation", headers=bearer(mine["secret"]))).status == 404
    assert (await me(backend, theirs["secret"])).status == 200


async def test_who_leaves_is_forgotten(backend: RunningBackend) -> None:
    secret = (await join(backend))["key"]["secret"]
    assert (await backend.client.delete("/people/me", headers=bearer(secret))).status == 204
    assert (await me(backend, secret)).status == 401
    assert await backend.db.one(int, "select count(*) from people.key") == 0


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../etc/passwd", ""])
async def test_a_time_zone_that_does_not_exist_is_pointed_at(backend: RunningBackend, zone: str) -> None:
    refused = await backend.client.post("/people", json={"name": "Ada", "time_zone": zone})
    assert (refused.status, refused.json()["errors"][0]["pointer"]) == (422, "#/time_zone")


async def test_the_demo_person_can_come_in(backend: RunningBackend) -> None:
    said = await backend.seed()
    assert said is not None
    assert (await me(backend, said.rpartition(" ")[2])).json()["name"] == "Ada Lovelace"
