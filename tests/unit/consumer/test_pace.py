"""Pace: alone after a collision, shorter if that is not enough, and back again in time."""

from headwater.consumer.pace import Pace


class Now:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def test_a_collision_makes_it_work_alone_for_a_while() -> None:
    now = Now()
    pace = Pace(500, now)
    assert not pace.alone
    pace.collide()
    assert (pace.alone, pace.entries) == (True, 500)
    now.seconds += 61
    assert not pace.alone


def test_collisions_while_alone_make_transactions_shorter_and_success_longer_again() -> None:
    pace = Pace(500, Now())
    for expected in (500, 125, 31, 7, 1, 1):
        pace.collide()
        assert expected == pace.entries
    for _ in range(9 * 10):
        pace.succeed()
    assert pace.entries == 500


def test_a_while_that_was_too_short_doubles() -> None:
    now = Now()
    pace = Pace(500, now)
    pace.collide()
    now.seconds += 70
    pace.collide()
    now.seconds += 110
    assert pace.alone
    now.seconds += 1000
    pace.collide()
    now.seconds += 61
    assert not pace.alone
