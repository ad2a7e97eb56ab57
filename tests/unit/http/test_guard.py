"""Load shedding: what is refused at the door, and what never is; with a clock that the test turns."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from headwater.http.load.guard import FLOOR, LOOK_SECONDS, Guard
from headwater.http.load.refusal import Shed
from headwater.settings import Settings
from headwater.testing import Clock
from tests.unit.http.support import build, query

REDUCED = "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity"
BUSY = FLOOR + 1


class Pool:
    """So many wait, the first of them for so long."""

    def __init__(self) -> None:
        self.waiting = self.served = 0
        self.age = 0.0

    def oldest(self) -> float:
        return self.age


class World:
    """A guard with two pools, and its clock."""

    def __init__(self, **settings: Any) -> None:
        self.clock = Clock(frozen=True)
        self.reads, self.writes = Pool(), Pool()
        self.guard = Guard(Settings(**settings), {"reads": self.reads, "writes": self.writes}, self.clock.monotonic)
        self.guard.expect_look(LOOK_SECONDS)

    def look(self, times: int = 1, late: float = 0.0, served: int = 0) -> None:
        """So many looks, each so late, while the pool of reads serves so many in between."""
        for _ in range(times):
            self.clock.jump(seconds=LOOK_SECONDS + late)
            self.reads.served += served
            self.guard.look()
            self.guard.expect_look(LOOK_SECONDS)

    def refusal(self, *waits_for: str, in_flight: int = BUSY, deadline: float = 0.0) -> str | None:
        """Why a request is refused that waits for these; None if it is let in."""
        if in_flight <= self.guard.most:
            return None
        try:
            self.guard.check(SimpleNamespace(waits_for=frozenset(waits_for), deadline=deadline), in_flight)
        except Shed as refused:
            return refused.reason
        return None


def test_nothing_is_refused_when_idle() -> None:
    world = World()
    world.look(100)
    assert world.refusal("reads", "writes") is None
    assert world.guard.most == Settings().in_flight


def test_more_than_the_limit_are_refused() -> None:
    world = World(in_flight=50)
    assert (world.refusal(in_flight=50), world.refusal(in_flight=51)) == (None, "in_flight")


def test_streams_that_flow_do_not_count() -> None:
    world = World(in_flight=50)
    for _ in range(30):
        world.guard.flow(1)
    assert (world.refusal(in_flight=80), world.refusal(in_flight=81)) == (None, "in_flight")
    for _ in range(30):
        world.guard.flow(-1)
    assert world.refusal(in_flight=51) == "in_flight"


def test_a_burst_that_the_pool_works_off_is_let_in() -> None:
    world = World()
    world.reads.waiting, world.reads.age = 30, 0.3
    world.look(10, served=5)
    assert world.refusal("reads") is None


def test_a_queue_longer_than_an_interval_is_not_made_longer() -> None:
    world = World()
    world.reads.waiting, world.reads.age = 110, 0.3
    world.look(10, served=5)  # 100 a second
    assert world.refusal("reads") == "reads"


def test_a_queue_that_stands_is_not_made_longer_than_the_target() -> None:
    world = World()
    world.look()
    world.reads.waiting, world.reads.age = 30, 0.3
    world.look(30, served=5)
    assert world.refusal("reads") == "reads"
    world.reads.waiting, world.reads.age = 5, 0.05
    assert world.refusal("reads") is None


def test_who_needs_another_pool_is_let_in() -> None:
    world = World()
    world.look()
    world.reads.waiting, world.reads.age = 30, 0.3
    world.look(30, served=5)
    assert (world.refusal("writes"), world.refusal(), world.refusal("reads", "writes")) == (None, None, "reads")


def test_a_pool_that_serves_nobody_is_full_once_the_first_has_waited_for_an_interval() -> None:
    world = World()
    world.reads.waiting, world.reads.age = 3, 1.5
    world.look()
    assert world.refusal("reads") == "reads"


def test_a_request_is_refused_whose_deadline_the_wait_would_miss() -> None:
    world = World()
    world.reads.waiting, world.reads.age = 30, 0.3
    world.look(10, served=5)
    assert (world.refusal("reads", deadline=0.2), world.refusal("reads", deadline=2)) == ("deadline", None)


def test_a_loop_that_is_late_again_and_again_lets_nobody_in() -> None:
    world = World()
    world.look(30, late=0.15)
    assert world.refusal() == "loop"
    world.look()
    assert world.refusal() is None


def test_one_long_turn_of_the_loop_is_no_overload() -> None:
    world = World()
    world.look(10)
    world.look(late=5)
    assert world.refusal() is None


def test_a_loop_that_is_busy_but_in_time_lets_everybody_in() -> None:
    world = World()
    world.look(100, late=0.06)
    assert world.refusal() is None


def test_few_at_once_are_never_refused() -> None:
    world = World()
    world.reads.waiting, world.reads.age = 3, 1.5
    world.look(100, late=2)
    assert world.refusal("reads", in_flight=FLOOR) is None


def test_it_can_be_switched_off() -> None:
    world = World(shed=False, in_flight=1)
    world.reads.waiting, world.reads.age = 3, 1.5
    world.look(100, late=2)
    assert world.refusal("reads", in_flight=100_000) is None


def test_when_to_come_again_is_when_the_queue_will_be_gone() -> None:
    world = World()
    world.reads.waiting, world.reads.age = 320, 0.3
    world.look(10, served=5)
    with pytest.raises(Shed) as caught:
        world.guard.check(SimpleNamespace(waits_for=frozenset({"reads"}), deadline=0.0), BUSY)
    assert caught.value.fields == [(b"retry-after", b"4")]


async def test_requests_over_the_limit_get_503_and_health_and_documents_are_answered() -> None:
    opened, entered = asyncio.Event(), asyncio.Event()

    async def wait() -> str:
        entered.set()
        await opened.wait()
        return "done"

    built = build(query("/wait", wait), settings=Settings(in_flight=1))
    first = asyncio.create_task(built.client.get("/wait"))
    await entered.wait()
    refused = await built.client.get("/wait")
    assert (refused.status, refused.json()["type"]) == (503, REDUCED)
    assert refused.headers["Retry-After"] == "1"
    for path in ("/livez", "/readyz", "/docs", "/openapi.json"):
        assert (await built.client.get(path)).status == 200, path
    assert (await built.client.get("/nowhere")).status == 404
    opened.set()
    assert (await first).status == 200
    assert (await built.client.get("/wait")).status == 200
    assert 'headwater_http_shed_total{reason="in_flight"} 1.0' in built.metrics.expose()[1].decode()


async def test_the_guard_looks_for_as_long_as_the_application_runs() -> None:
    async def show() -> str:
        return "here"

    built = build(query("/here", show))
    async with built.client as client:
        assert (await client.get("/here")).status == 200
        assert built.app.statistics()["calm"]
