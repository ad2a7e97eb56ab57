"""Limits as clients meet them: who is counted, what is said, and who is let through."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater import clock as clocks
from headwater.app import App
from headwater.backend import Backend
from headwater.binding import Resource, Services
from headwater.http import Bearer, Limit, Limiter, Principal, Request
from headwater.http.limit import Charge, LimitInvalid, LimitsClash, MemoryStore
from headwater.http.limit.configuration import open_limiter
from headwater.http.limit.declaration import network_of
from headwater.http.limit.gcra import Rate
from headwater.http.limit.key import key_of
from headwater.http.route.errors import OptionInvalid
from headwater.http.version import Versions
from headwater.observe import Metrics
from headwater.settings import Settings, SettingsError
from headwater.testing import Clock
from tests.unit.http.support import Built, build, query

SECOND = 1_000_000


async def show() -> str:
    return "shown"


async def find(db: Any, secret: str) -> Principal | None:
    return Principal(id=secret) if secret in ("ada", "eve") else None


def limited(*limits: Limit, clock: Clock | None = None, **options: Any) -> Built:
    limiter = Limiter(MemoryStore(clock or Clock(frozen=True)))
    return build(query("/x", show, limits=limits, **options), limiter=limiter, identify=[Bearer(find)])


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


async def test_what_is_over_the_quota_is_refused_and_told_when_to_come_again() -> None:
    client = limited(Limit("burst", 2, per=60)).client
    replies = [await client.get("/x") for _ in range(3)]
    assert [reply.status for reply in replies] == [200, 200, 429]
    refused = replies[2]
    assert refused.headers["retry-after"] == "30"
    assert refused.json()["type"] == "https://iana.org/assignments/http-problem-types#quota-exceeded"
    assert refused.json()["violated-policies"] == ["burst"]


async def test_each_answer_says_what_is_promised_and_what_is_left() -> None:
    client = limited(Limit("burst", 2, per=60)).client
    replies = [await client.get("/x") for _ in range(3)]
    assert {reply.headers["ratelimit-policy"] for reply in replies} == {'"burst";q=2;w=60'}
    assert [reply.headers["ratelimit"] for reply in replies] == [
        '"burst";r=1;t=30',
        '"burst";r=0;t=60',
        '"burst";r=0;t=30',
    ]


async def test_a_refusal_s_ratelimit_and_retry_after_mean_the_same_moment() -> None:
    """draft-ietf-httpapi-ratelimit-headers-10: they SHOULD; of several limits that refuse, the last to let through."""
    client = limited(Limit("minute", 1, per=60), Limit("hour", 1, per=3600), Limit("roomy", 10, per=100)).client
    await client.get("/x")
    refused = await client.get("/x")
    assert refused.headers["ratelimit"] == '"minute";r=0;t=60, "hour";r=0;t=3600, "roomy";r=9;t=10'
    assert refused.headers["retry-after"] == "3600"


async def test_the_quota_comes_back_evenly() -> None:
    clock = Clock(frozen=True)
    client = limited(Limit("burst", 2, per=60), clock=clock).client
    for _ in range(2):
        await client.get("/x")
    clock.jump(timedelta(seconds=30, microseconds=-1))
    early = await client.get("/x")
    clock.jump(timedelta(microseconds=1))
    due = await client.get("/x")
    assert (early.status, due.status) == (429, 200)


async def test_of_several_limits_all_must_let_a_request_through_and_a_refused_one_is_charged_to_none() -> None:
    clock = Clock(frozen=True)
    client = limited(Limit("second", 1, per=1), Limit("hour", 3, per=3600), clock=clock).client
    statuses = []
    for _ in range(3):
        statuses.append((await client.get("/x")).status)
        refused = await client.get("/x")
        assert refused.json()["violated-policies"] == (["second"] if len(statuses) < 3 else ["second", "hour"])
        clock.jump(seconds=1)
    assert statuses == [200, 200, 200]
    assert (await client.get("/x")).json()["violated-policies"] == ["hour"]


async def test_principals_are_counted_apart_and_nobody_by_the_address() -> None:
    client = limited(Limit("burst", 1)).client
    statuses = [(await client.get("/x", headers=headers)).status for headers in (bearer("ada"), bearer("eve"), {}) * 2]
    assert statuses == [200, 200, 200, 429, 429, 429]


async def test_principals_of_two_tenants_are_two_whatever_they_are_called() -> None:
    async def find_member(db: Any, secret: str) -> Principal | None:
        tenant, _, name = secret.rpartition("/")
        return Principal(id=name, tenant=tenant or None)

    client = build(query("/x", show, limits=[Limit("burst", 1)]), identify=[Bearer(find_member)]).client
    secrets = ("acme/ada", "zenith/ada", "ada", "None/ada")
    assert [(await client.get("/x", headers=bearer(each))).status for each in secrets * 2] == [200] * 4 + [429] * 4


async def test_what_the_limit_of_a_principal_refuses_has_been_charged_to_the_address() -> None:
    client = limited(Limit("guesses", 5, by="address"), Limit("burst", 1)).client
    replies = [await client.get("/x", headers=bearer("ada")) for _ in range(3)]
    assert [reply.status for reply in replies] == [200, 429, 429]
    assert [reply.headers["ratelimit"].partition(";t")[0] for reply in replies] == [
        '"guesses";r=4',
        '"guesses";r=3',
        '"guesses";r=2',
    ]


async def test_guessing_credentials_is_limited_by_the_address() -> None:
    client = limited(Limit("guesses", 3, by="address"), Limit("burst", 100)).client
    statuses = [(await client.get("/x", headers=bearer(f"guess-{n}"))).status for n in range(5)]
    assert statuses == [401, 401, 401, 429, 429]


async def test_a_function_tells_who_is_counted_and_who_is_not() -> None:
    def by_team(request: Request) -> str | None:
        return request.headers.get("x-team")

    client = limited(Limit("team", 1, by=by_team)).client
    headers: list[dict[str, str]] = [{"x-team": "a"}, {"x-team": "b"}, {"x-team": "a"}, {}, {}]
    assert [(await client.get("/x", headers=each)).status for each in headers] == [200, 200, 429, 200, 200]


async def test_a_request_costs_what_its_route_says() -> None:
    def by_size(request: Request) -> int:
        return int(request.headers.get("x-size") or 1)

    client = limited(Limit("units", 10, per=100, by="everybody"), cost=by_size).client
    sizes = (6, 5, 4, 0, 11)
    replies = [await client.get("/x", headers={"x-size": str(size)}) for size in sizes]
    assert [reply.status for reply in replies] == [200, 429, 200, 200, 429]
    assert replies[1].headers["retry-after"] == "10"


async def test_what_costs_more_than_the_burst_is_told_so_and_when_the_most_can_be_had() -> None:
    client = limited(Limit("units", 10, per=100), cost=lambda request: int(request.headers["x-size"])).client
    unused = await client.get("/x", headers={"x-size": "11"})
    assert (unused.status, unused.headers["retry-after"]) == (429, "1")
    await client.get("/x", headers={"x-size": "4"})
    refused = await client.get("/x", headers={"x-size": "11"})
    assert refused.json()["detail"] == "The cost of 11 exceeds the burst of 'units', so it is never allowed."
    assert refused.headers["retry-after"] == "40"
    assert refused.headers["ratelimit"] == '"units";r=6;t=40'


async def test_no_request_gives_back_what_others_have_used() -> None:
    client = limited(Limit("units", 2), cost=lambda request: int(request.headers["x-size"])).client
    statuses = [(await client.get("/x", headers={"x-size": size})).status for size in ("2", "-2", "1")]
    assert statuses == [200, 200, 429]


async def test_one_limit_on_two_routes_is_one_limit() -> None:
    limit = Limit("burst", 1)
    client = build(query("/x", show, limits=[limit]), query("/y", show, limits=[limit])).client
    assert [(await client.get(path)).status for path in ("/x", "/y")] == [200, 429]


async def test_a_limit_counts_over_all_versions_of_its_route() -> None:
    route = query("/x", show, limits=[Limit("burst", 2)])
    client = build(route, versions=Versions("1", "2", "3")).client
    assert [(await client.get(path)).status for path in ("/v1/x", "/v2/x", "/v3/x")] == [200, 200, 429]


def test_two_limits_of_one_name_on_two_routes_are_an_error_that_names_both() -> None:
    app = App("library")
    app.query("GET /x", limits=[Limit("reads", 1)])(show)
    app.query("GET /y", limits=[Limit("reads", 2)])(show)
    wanted = r"Limit\(name='reads', quota=1.* of GET /x .*test_limits.show.* and .*quota=2.* of GET /y .* the same name"
    with pytest.raises(LimitsClash, match=wanted):
        Backend(app)
    with pytest.raises(LimitsClash, match="of the backend and"):
        Backend(app, limits=[Limit("reads", 1, per=5)])


def test_equal_limits_may_be_written_twice() -> None:
    app = App("library")
    app.query("GET /x", limits=[Limit("reads", 1, per=60)])(show)
    app.query("GET /y", limits=[Limit("reads", 1, per=60.0)])(show)
    assert Backend(app).routes


async def test_limits_of_the_backend_are_those_of_every_route_without_its_own_and_not_of_the_platform() -> None:
    routes = (query("/x", show), query("/own", show, limits=[Limit("own", 5)]), query("/free", show, limits=()))
    client = build(*routes, limits=[Limit("all", 1)]).client
    wanted = {"/x": '"all";q=1;w=60', "/own": '"own";q=5;w=60', "/free": None, "/livez": None, "/openapi.json": None}
    found = {path: (await client.get(path)).headers.get("ratelimit-policy") for path in wanted}
    assert found == wanted


async def test_a_handler_charges_a_limit_whose_key_only_it_knows() -> None:
    limit, limiter = Limit("login", 2, per=60), Limiter(MemoryStore(Clock(frozen=True)))

    async def log_in(request: Request, account: str) -> str:
        await limiter.take(limit, account)
        return account

    client = build(query("/login", log_in), limiter=limiter).client
    statuses = [(await client.get(f"/login?account={name}")).status for name in ("ada", "ada", "eve", "ada")]
    assert statuses == [200, 200, 200, 429]


async def test_the_document_shows_the_limit() -> None:
    built = limited(Limit("burst", 1))
    operation = (await built.client.get("/openapi.json")).json()["paths"]["/x"]["get"]
    assert "429" in operation["responses"]
    assert {"RateLimit", "RateLimit-Policy"} <= operation["responses"]["200"]["headers"].keys()


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"limits": [Limit("a", 1), Limit("a", 2)]}, "the same name"),
        ({"limits": [Limit("a", 1)], "cost": 2}, "exceeds the burst"),
        ({"limits": [Limit("a", 1)], "cost": -1}, "must not be negative"),
    ],
)
def test_a_route_that_nobody_could_use_is_refused_when_it_is_put_together(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(OptionInvalid, match=reason):
        build(query("/x", show, **options))


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "A b", "quota": 1},
        {"name": "a", "quota": 0},
        {"name": "a", "quota": 1, "per": 0},
        {"name": "a", "quota": 1, "burst": 0},
        {"name": "a", "quota": 10**9},
        {"name": "a", "quota": 1.5},
        {"name": "a", "quota": True},
        {"name": "a", "quota": 2, "burst": 1.5},
        {"name": "a", "quota": 1, "per": float("nan")},
        {"name": "a", "quota": 1, "per": float("inf")},
        {"name": "a", "quota": 1, "per": "60"},
        {"name": "a", "quota": 1, "per": 3600, "burst": 10**9},
        {"name": "a", "quota": 1, "by": "adress"},
    ],
)
def test_a_limit_that_cannot_be_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(LimitInvalid):
        Limit(**fields)


@given(st.integers(1, 100_000), st.integers(1, 3600))
def test_no_more_than_the_quota_comes_back(quota: int, per: int) -> None:
    rate = Limit("a", min(quota, 100_000 * per), per=per).rate
    assert rate.interval * min(quota, 100_000 * per) >= per * SECOND


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "address 192.0.2.7"),
        ("::ffff:192.0.2.7", "address 192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "network 2001:db8:1:2::"),
        ("fe80::1%eth0", "network fe80::"),
        ("none", "address none"),
    ],
)
def test_an_ipv6_customer_is_one_client(address: str, network: str) -> None:
    assert network_of(address) == network


async def test_a_limit_that_is_made_smaller_locks_nobody_out() -> None:
    clock = Clock(frozen=True)
    store, charge = MemoryStore(clock), [Charge("a", Rate(SECOND, 2), 1)]
    assert (await store.take([Charge("a", Rate(SECOND, 10), 10)])).allowed
    assert await store.take(charge) == (False, [2 * SECOND])
    clock.jump(seconds=1)
    assert await store.take(charge) == (True, [2 * SECOND])


async def test_the_memory_of_a_process_is_bounded_and_forgets_what_is_past() -> None:
    clock = Clock(frozen=True)
    store, rate = MemoryStore(clock, capacity=10), Rate(SECOND, 5)
    for n in range(100):
        await store.take([Charge(str(n), rate, 1)])
    assert store.statistics()["kept"] <= 10
    clock.jump(seconds=10)
    for _ in range(10):
        await store.take([Charge("last", rate, 1)])
        clock.jump(seconds=10)
    assert store.statistics()["kept"] == 1


@given(st.text(), st.text())
def test_a_key_is_short_and_tells_all_apart_without_telling_whom(one: str, other: str) -> None:
    first, second = key_of("reads", one), key_of("reads", other)
    assert (first == second) == (one == other)
    assert len(first) == len("reads:") + 32
    assert first.isascii()


async def opened(settings: Settings, metrics: Metrics) -> Limiter:
    """The limiter, as a process opens it."""
    given = {Settings: settings, Metrics: metrics, clocks.Clock: Clock()}
    return await Services((Resource(kind=Limiter, open=open_limiter),), given).get(Limiter)


async def test_without_a_valkey_it_cannot_be_counted_there() -> None:
    with pytest.raises(SettingsError, match="no Valkey is configured"):
        await opened(Settings(limits="valkey"), Metrics("web 1"))


async def test_a_valkey_url_that_is_none_is_refused_without_its_password() -> None:
    with pytest.raises(SettingsError, match="HEADWATER_VALKEY_URL") as caught:
        await opened(Settings(valkey_url="http://me:hunter2@host"), Metrics("web 1"))
    assert "hunter2" not in str(caught.value)


async def test_a_refusal_is_counted_by_the_name_of_its_limit() -> None:
    metrics = Metrics("web 1")
    limiter = await opened(Settings(limits="memory"), metrics)
    limiter._count("burst")
    assert b'headwater_http_limited_total{limit="burst"} 1.0' in metrics.expose()[1]
