"""Load shedding on a real PostgreSQL: more comes in than a pool can serve, and who is let in is served in time."""

import asyncio
import random
from collections.abc import AsyncIterator
from time import perf_counter
from typing import NamedTuple

import pytest

from headwater import App, Backend, Db, Row
from headwater.http.load.guard import FLOOR
from headwater.observe import Metrics
from headwater.settings import Settings
from headwater.testing.client import Client

pytestmark = pytest.mark.quiet

SERVED_A_SECOND = 100  # ten connections, a tenth of a second each
OFFERED_A_SECOND = 250
SECONDS = 3.0
INTERVAL = 0.3

app = App("slow")


class Slow(Row):
    slept: str


@app.query("GET /slow")
async def read_slowly(db: Db) -> Slow:
    return await db.one(Slow, "select pg_sleep(0.1)::text as slept")


@app.query("GET /quick")
async def answer_at_once() -> str:
    return "here"


@app.query("GET /limited", concurrency=3)
async def read_limited(db: Db) -> Slow:
    return await db.one(Slow, "select pg_sleep(0.01)::text as slept")


@app.query("GET /stream", concurrency=3)
async def stream_limited(db: Db) -> AsyncIterator[Slow]:
    async for slow in db.stream(Slow, "select pg_sleep(0.002)::text as slept from generate_series(1, 5)", chunk=1):
        yield slow


class Came(NamedTuple):
    """When a request came, with which status it went, and after how many seconds."""

    at: float
    status: int
    seconds: float


async def ask(client: Client, path: str, began: float) -> Came:
    at = perf_counter()
    reply = await client.get(path)
    return Came(at - began, reply.status, perf_counter() - at)


async def offer(client: Client, path: str, a_second: float, seconds: float) -> list[Came]:
    """So many requests a second, whether or not those before have been answered."""
    began = perf_counter()
    requests: list[asyncio.Task[Came]] = []
    while (now := perf_counter() - began) < seconds:
        while len(requests) < now * a_second:
            requests.append(asyncio.create_task(ask(client, path, began)))
        await asyncio.sleep(0.01)
    return list(await asyncio.gather(*requests))


async def test_a_saturated_pool_serves_as_many_as_it_can_in_bounded_time_and_the_rest_is_refused_at_once(
    url: str,
) -> None:
    backend = Backend(app)
    metrics = Metrics()
    await backend.open(Settings(postgres_url=url, shed_interval_seconds=INTERVAL), metrics=metrics)
    async with Client(backend) as client:
        slow, quick, live, started = await asyncio.gather(
            offer(client, "/slow", OFFERED_A_SECOND, SECONDS),
            offer(client, "/quick", 20, SECONDS),
            offer(client, "/livez", 20, SECONDS),
            offer(client, "/startupz", 20, SECONDS),
        )
        after = [await ask(client, "/slow", 0.0) for _ in range(3)]
    await backend.close()
    exposed = metrics.expose()[1].decode()

    served = [each for each in slow if each.status == 200]
    refused = sorted(each.seconds for each in slow if each.status == 503)
    assert len(served) + len(refused) == len(slow)
    assert len(served) >= 0.6 * SERVED_A_SECOND * SECONDS, "the pool was kept busy"
    assert max(each.seconds for each in served) < 2.0
    assert max(each.seconds for each in served if each.at > 1.5) < 0.8, "a queue that stands is short"
    assert refused[len(refused) * 9 // 10] < 0.1, "who is refused is told at once"
    assert {each.status for each in (*quick, *live, *started)} == {200}, "who needs no connection is let in"
    assert {each.status for each in after} == {200}
    assert 'headwater_http_shed_total{reason="reads"}' in exposed


async def test_nothing_is_refused_when_idle_or_busy_in_time(url: str) -> None:
    backend = Backend(app)
    await backend.open(Settings(postgres_url=url))
    async with Client(backend) as client:
        alone = [await ask(client, "/slow", 0.0) for _ in range(3)]
        burst = await asyncio.gather(*(ask(client, "/slow", 0.0) for _ in range(5 * FLOOR)))
        steady = await offer(client, "/slow", 0.5 * SERVED_A_SECOND, 1.5)
    await backend.close()
    assert {each.status for each in (*alone, *burst, *steady)} == {200}


async def test_a_request_that_cannot_be_served_in_its_time_is_refused_before_it_waits(url: str) -> None:
    backend = Backend(app)
    await backend.open(Settings(postgres_url=url))
    async with Client(backend) as client:
        queue = [asyncio.create_task(ask(client, "/slow", 0.0)) for _ in range(8 * FLOOR)]
        await asyncio.wait(queue[: 2 * FLOOR])  # two rounds are done: it is known how fast the queue moves
        began = perf_counter()
        hurried = await client.get("/slow", headers={"Request-Timeout": "0.2"})
        seconds = perf_counter() - began
        replies = await asyncio.gather(*queue)
    await backend.close()
    assert (hurried.status, seconds < 0.15) == (503, True)
    assert {each.status for each in replies} == {200}


async def test_whatever_is_given_up_no_slot_and_no_connection_is_lost(url: str) -> None:
    backend, chance = Backend(app), random.Random(7)
    await backend.open(Settings(postgres_url=url))
    async with Client(backend) as client:
        for path in ("/limited", "/stream"):
            for _ in range(20):
                requests = [asyncio.create_task(client.get(path)) for _ in range(6)]
                for request in chance.sample(requests, 4):
                    await asyncio.sleep(chance.choice((0, 0, 0.003)))
                    request.cancel()
                await asyncio.gather(*requests, return_exceptions=True)
            replies = await asyncio.gather(*(client.get(path) for _ in range(6)))
            assert [each.status for each in replies] == [200] * 6
        assert backend.opened.http.in_flight == 0
        assert backend.opened.http.statistics() | {"running": 0, "timed": 0, "flowing": 0} == (
            backend.opened.http.statistics()
        )
        replies = await asyncio.gather(*(client.get("/slow") for _ in range(10)))
        assert {each.status for each in replies} == {200}
    await backend.close()
