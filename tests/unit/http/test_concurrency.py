"""Concurrency limits: so many at once, a short queue, and every slot given back whatever becomes of its request."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest

from headwater.http.load.concurrency import ConcurrencyLimiter
from headwater.http.load.refusal import Shed
from headwater.http.route.errors import OptionInvalid
from tests.unit.http.support import Built, build, command, query

REDUCED = "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity"


class Gate:
    """A handler that waits until it is opened, and says when it has been entered."""

    def __init__(self) -> None:
        self.entered: asyncio.Queue[None] = asyncio.Queue()
        self.opened = asyncio.Event()
        self.inside = self.most = 0

    async def pass_through(self) -> str:
        self.inside += 1
        self.most = max(self.most, self.inside)
        self.entered.put_nowait(None)
        try:
            await self.opened.wait()
        finally:
            self.inside -= 1
        return "through"


def gated(**options: Any) -> tuple[Built, Gate]:
    gate = Gate()
    return build(query("/gate", gate.pass_through, **options)), gate


async def test_so_many_are_inside_at_once_as_many_wait_and_the_rest_are_refused() -> None:
    built, gate = gated(concurrency=2)
    requests = [asyncio.create_task(built.client.get("/gate")) for _ in range(5)]
    done, _ = await asyncio.wait(requests, return_when=asyncio.FIRST_COMPLETED)
    (refused,) = [task.result() for task in done]
    assert (refused.status, refused.json()["type"]) == (503, REDUCED)
    assert refused.headers["Retry-After"] == "1"
    gate.opened.set()
    assert sorted([(await each).status for each in requests]) == [200, 200, 200, 200, 503]
    assert gate.most == 2
    counted = built.metrics.expose()[1].decode()
    assert 'headwater_http_concurrency_refusals_total{method="GET",route="/gate"} 1.0' in counted


async def test_nobody_waits_for_longer_than_the_queue_allows() -> None:
    limiter = ConcurrencyLimiter(1, wait=0.01)
    assert limiter.take_nowait()
    with pytest.raises(Shed):
        await limiter.take_later()
    assert limiter.statistics() == {"limit": 1, "taken": 1, "waiting": 0}


async def test_slots_go_to_those_who_wait_in_the_order_of_their_arrival() -> None:
    limiter, order = ConcurrencyLimiter(1, queue=9), []
    assert limiter.take_nowait()

    async def visit(number: int) -> None:
        await limiter.take_later()
        order.append(number)
        limiter.give_back()

    visits = [asyncio.create_task(visit(number)) for number in range(9)]
    await asyncio.sleep(0)  # each of them arrives
    limiter.give_back()
    await asyncio.gather(*visits)
    assert order == list(range(9))
    assert limiter.statistics()["taken"] == 0


async def test_a_failing_handler_gives_its_slot_back() -> None:
    async def fail() -> str:
        raise ValueError

    built = build(query("/fail", fail, concurrency=1))
    assert [(await built.client.get("/fail")).status for _ in range(3)] == [500, 500, 500]


async def test_a_stream_keeps_its_slot_until_it_ends() -> None:
    gate = Gate()

    async def show() -> AsyncIterator[int]:
        yield 1
        await gate.pass_through()
        yield 2

    built = build(query("/numbers", show, concurrency=1))
    first = asyncio.create_task(built.client.get("/numbers"))
    await gate.entered.get()
    second, third = (asyncio.create_task(built.client.get("/numbers")) for _ in range(2))
    done, _ = await asyncio.wait([second, third], return_when=asyncio.FIRST_COMPLETED)
    assert done == {third}
    assert third.result().status == 503
    gate.opened.set()
    assert [(await each).body for each in (first, second)] == [b"1\n2\n", b"1\n2\n"]
    assert (await built.client.get("/numbers")).status == 200


async def test_a_stream_that_is_only_asked_about_gives_its_slot_back() -> None:
    async def show() -> AsyncIterator[int]:
        yield 1

    built = build(query("/numbers", show, concurrency=1))
    assert [(await built.client.head("/numbers")).status for _ in range(3)] == [200, 200, 200]
    assert (await built.client.get("/numbers")).body == b"1\n"


async def test_a_stream_whose_client_goes_gives_its_slot_back() -> None:
    flowing = asyncio.Queue[None]()

    async def show() -> AsyncIterator[int]:
        yield 1
        flowing.put_nowait(None)
        await asyncio.Event().wait()

    built = build(query("/numbers", show, concurrency=1))
    for _ in range(3):
        endless = asyncio.create_task(built.client.get("/numbers"))
        await flowing.get()
        endless.cancel()
        with suppress(asyncio.CancelledError):
            await endless
    assert built.app.in_flight == 0
    assert (await built.client.head("/numbers")).status == 200


@pytest.mark.parametrize("seed", range(20))
async def test_whatever_is_cancelled_whenever_all_slots_come_back(seed: int) -> None:
    chance, limiter = random.Random(seed), ConcurrencyLimiter(3, queue=20, wait=5)

    async def visit() -> None:
        if not limiter.take_nowait():
            await limiter.take_later()
        try:
            for _ in range(chance.randrange(5)):
                await asyncio.sleep(0)
        finally:
            limiter.give_back()

    visits = []
    for _ in range(200):
        visits.append(asyncio.create_task(visit()))
        if chance.random() < 0.5:
            await asyncio.sleep(0)
        if chance.random() < 0.4:
            chance.choice(visits).cancel()
    await asyncio.gather(*visits, return_exceptions=True)
    assert limiter.statistics() == {"limit": 3, "taken": 0, "waiting": 0}


async def test_a_command_has_slots_as_well() -> None:
    gate = Gate()
    built = build(command("/gate", gate.pass_through, concurrency=1, idempotency="none"))
    requests = [asyncio.create_task(built.client.post("/gate")) for _ in range(3)]
    await asyncio.wait(requests, return_when=asyncio.FIRST_COMPLETED)
    gate.opened.set()
    assert sorted([(await each).status for each in requests]) == [200, 200, 503]


@pytest.mark.parametrize("limit", [0, -1, 1.5, True])
def test_a_limit_that_is_none_is_refused_with_its_handler(limit: Any) -> None:
    with pytest.raises(OptionInvalid, match=r"pass_through\): concurrency=.*at least 1"):
        gated(concurrency=limit)
