"""Throttle: alone after a collision, shorter if that is not enough, and back again in time."""

from headwater.app import App
from headwater.commit import Tx
from headwater.consumer.consumer import Consumer
from headwater.consumer.limits import Limits
from headwater.consumer.throttle import Throttle
from headwater.testing import Clock
from headwater.types import Event


def test_a_collision_makes_it_work_alone_for_a_while() -> None:
    clock = Clock(frozen=True)
    throttle = Throttle(500, clock.monotonic)
    assert not throttle.alone
    throttle.collide()
    assert (throttle.alone, throttle.entries) == (True, 500)
    clock.jump(seconds=61)
    assert not throttle.alone


def test_collisions_while_alone_make_transactions_shorter_and_success_longer_again() -> None:
    throttle = Throttle(500, Clock(frozen=True).monotonic)
    for expected in (500, 125, 31, 7, 1, 1):
        throttle.collide()
        assert expected == throttle.entries
    for _ in range(9 * 10):
        throttle.succeed()
    assert throttle.entries == 500


def test_a_while_that_was_too_short_doubles() -> None:
    clock = Clock(frozen=True)
    throttle = Throttle(500, clock.monotonic)
    throttle.collide()
    clock.jump(seconds=70)
    throttle.collide()
    clock.jump(seconds=110)
    assert throttle.alone
    clock.jump(seconds=1000)
    throttle.collide()
    clock.jump(seconds=61)
    assert not throttle.alone


def test_a_consumer_s_throttle_goes_by_the_clock_of_its_worker() -> None:
    app, clock = App("throttle"), Clock(frozen=True)

    class Happened(Event, key="id"):
        id: str

    @app.on(Happened)
    async def follow(tx: Tx, event: Happened) -> None: ...

    consumer = Consumer("throttle.follow", app.subscriptions[0], follow, clock, Limits())
    consumer.throttle.collide()
    assert consumer.throttle.alone
    clock.jump(seconds=61)
    assert not consumer.throttle.alone
