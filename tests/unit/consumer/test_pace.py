"""Pace: alone after a collision, shorter if that is not enough, and back again in time."""

from headwater.app import App
from headwater.commit import Tx
from headwater.consumer.consumer import Consumer
from headwater.consumer.limits import Limits
from headwater.consumer.pace import Pace
from headwater.testing import Clock
from headwater.types import Event


def test_a_collision_makes_it_work_alone_for_a_while() -> None:
    clock = Clock(frozen=True)
    pace = Pace(500, clock.monotonic)
    assert not pace.alone
    pace.collide()
    assert (pace.alone, pace.entries) == (True, 500)
    clock.jump(seconds=61)
    assert not pace.alone


def test_collisions_while_alone_make_transactions_shorter_and_success_longer_again() -> None:
    pace = Pace(500, Clock(frozen=True).monotonic)
    for expected in (500, 125, 31, 7, 1, 1):
        pace.collide()
        assert expected == pace.entries
    for _ in range(9 * 10):
        pace.succeed()
    assert pace.entries == 500


def test_a_while_that_was_too_short_doubles() -> None:
    clock = Clock(frozen=True)
    pace = Pace(500, clock.monotonic)
    pace.collide()
    clock.jump(seconds=70)
    pace.collide()
    clock.jump(seconds=110)
    assert pace.alone
    clock.jump(seconds=1000)
    pace.collide()
    clock.jump(seconds=61)
    assert not pace.alone


def test_a_consumer_s_pace_goes_by_the_clock_of_its_worker() -> None:
    app, clock = App("pace"), Clock(frozen=True)

    class Happened(Event, key="id"):
        id: str

    @app.on(Happened)
    async def follow(tx: Tx, event: Happened) -> None: ...

    consumer = Consumer("pace.follow", app.subscriptions[0], follow, clock, Limits())
    consumer.pace.collide()
    assert consumer.pace.alone
    clock.jump(seconds=61)
    assert not consumer.pace.alone
