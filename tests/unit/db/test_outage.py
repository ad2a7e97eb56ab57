"""The pauses between attempts while PostgreSQL cannot be reached."""

import pytest

from headwater.db import DatabaseBack, DatabaseLost, Unavailable
from headwater.db.outage import RECONNECT, Outage
from headwater.observe import Occurrence, subscribe
from headwater.testing import Clock


def test_without_an_outage_everyone_is_admitted() -> None:
    outage = Outage("test")
    for _ in range(3):
        outage.refuse_or_admit()
    assert not outage.lasts


def test_others_are_refused_with_the_time_until_the_next_attempt() -> None:
    clock = Clock(frozen=True)
    outage = Outage("test", clock.monotonic)
    outage.note_failure("connection refused")
    with pytest.raises(Unavailable, match="connection refused") as caught:
        outage.refuse_or_admit()
    clock.jump(seconds=caught.value.retry_after, milliseconds=1)
    outage.refuse_or_admit()


def test_one_attempt_is_admitted_per_pause() -> None:
    clock = Clock(frozen=True)
    outage = Outage("test", clock.monotonic)
    outage.note_failure("refused")
    clock.jump(seconds=1)
    outage.refuse_or_admit()
    with pytest.raises(Unavailable):
        outage.refuse_or_admit()


def test_pauses_grow_to_seconds_and_no_further() -> None:
    clock = Clock(frozen=True)
    outage = Outage("test", clock.monotonic, pick=lambda low, high: high)
    pauses = []
    for _ in range(20):
        outage.note_failure("refused")
        with pytest.raises(Unavailable) as caught:
            outage.refuse_or_admit()
        pauses.append(caught.value.retry_after)
        clock.jump(seconds=caught.value.retry_after)
    assert pauses == pytest.approx([RECONNECT.ceiling(failures) for failures in range(1, 21)])
    assert pauses[-1] == pytest.approx(2.0)


def test_the_beginning_and_the_end_are_told_once_each() -> None:
    told: list[Occurrence] = []
    unsubscribe = subscribe(told.append)
    clock = Clock(frozen=True)
    outage = Outage("test", clock.monotonic)
    outage.note_success()
    outage.note_failure("refused")
    outage.note_failure("refused")
    clock.jump(seconds=3)
    outage.note_success()
    outage.note_success()
    unsubscribe()
    assert told == [
        DatabaseLost(application_name="test", cause="refused"),
        DatabaseBack(application_name="test", seconds=3.0),
    ]
