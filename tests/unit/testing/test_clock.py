"""The clock for tests: where it stands, what a jump makes due, and the ids that follow it."""

import asyncio
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta

import pytest

from headwater import now, uuid7
from headwater.clock import SystemClock, follow
from headwater.testing import Clock, eventually

MAY = datetime(2026, 5, 1, tzinfo=UTC)
WHERE: ContextVar[str] = ContextVar("where")


def test_it_runs_on_from_where_it_begins() -> None:
    clock = Clock(MAY)
    first, began = clock.now(), clock.monotonic()
    while clock.now() == first:
        pass
    assert MAY <= first < clock.now() < MAY + timedelta(hours=1)
    assert clock.monotonic() > began


def test_a_frozen_one_moves_only_by_jumps_and_exactly() -> None:
    clock = Clock(MAY, frozen=True)
    began = clock.monotonic()
    clock.jump(weeks=1, days=1, hours=1, minutes=1, seconds=1, milliseconds=1)
    clock.jump(timedelta(microseconds=1))
    far = timedelta(days=8, hours=1, minutes=1, seconds=1, milliseconds=1, microseconds=1)
    assert clock.now() == MAY + far
    assert clock.monotonic() - began == pytest.approx(far.total_seconds(), abs=1e-6)
    clock.jump_to(datetime(2027, 1, 1, tzinfo=UTC))
    assert clock.now() == datetime(2027, 1, 1, tzinfo=UTC)


def test_it_does_not_go_back() -> None:
    clock = Clock(MAY, frozen=True)
    with pytest.raises(ValueError, match="does not go back"):
        clock.jump(seconds=-1)
    with pytest.raises(ValueError, match="does not go back"):
        clock.jump_to(MAY - timedelta(seconds=1))


async def test_a_jump_ends_the_sleeps_that_have_become_due_the_first_first_and_no_others() -> None:
    clock, woken = Clock(frozen=True), list[int]()

    async def sleep(seconds: int) -> None:
        await clock.sleep(seconds)
        woken.append(seconds)

    tasks = [asyncio.create_task(sleep(seconds)) for seconds in (3600, 10, 5, 86_400)]
    await eventually(lambda: clock.waits, lambda waits: len(waits) == 4)
    clock.jump(seconds=4)
    assert clock.waits == [1, 6, 3596, 86_396]
    clock.jump(hours=1)
    await asyncio.gather(*tasks[:3])
    assert woken == [5, 10, 3600]
    tasks[3].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert clock.waits == []


async def test_a_running_one_ends_sleeps_by_itself_too() -> None:
    clock = Clock()
    async with asyncio.timeout(20):
        await clock.sleep(0.001)
        sleeping = asyncio.create_task(clock.sleep(86_400))
        await eventually(lambda: clock.waits)
        clock.jump(days=1)
        await sleeping


async def test_a_cancelled_timer_is_not_called_and_others_are_called_once() -> None:
    clock, called = Clock(frozen=True), list[str]()
    clock.call_later(1, called.append, "kept")
    cancelled = clock.call_later(1, called.append, "cancelled")
    clock.jump(seconds=1)
    cancelled.cancel()
    clock.jump(seconds=1)
    await eventually(lambda: called)
    assert called == ["kept"]


async def test_what_is_called_runs_in_the_context_that_asked_for_it() -> None:
    clock, called = Clock(frozen=True), list[str]()
    WHERE.set("asked")
    clock.call_later(1, lambda: called.append(WHERE.get()))
    WHERE.set("jumped")
    clock.jump(seconds=1)
    assert await eventually(lambda: called) == ["asked"]


async def test_another_thread_may_jump() -> None:
    clock = Clock(frozen=True)
    sleeping = asyncio.create_task(clock.sleep(60))
    await eventually(lambda: clock.waits)
    await asyncio.to_thread(clock.jump, minutes=1)
    async with asyncio.timeout(20):
        await sleeping


def test_its_ids_carry_its_time_and_always_grow() -> None:
    clock = Clock(MAY, frozen=True)
    made = [clock.uuid7() for _ in range(2000)]
    clock.jump(days=7)
    made.append(clock.uuid7())
    assert made == sorted(set(made))
    assert {(each.version, each.variant) for each in made} == {(7, "specified in RFC 4122")}
    times = [datetime.fromtimestamp((each.int >> 80) / 1000, UTC) for each in made]
    assert set(times) == {MAY, MAY + timedelta(days=7)}


async def test_handlers_have_the_time_of_the_clock_that_they_follow_and_their_tasks_too() -> None:
    clock = Clock(MAY, frozen=True)

    async def ask() -> tuple[datetime, int]:
        return now(), uuid7().int >> 80

    with follow(clock):
        assert await asyncio.create_task(ask()) == (MAY, int(MAY.timestamp() * 1000))
    assert now() - datetime.now(UTC) < timedelta(minutes=1)


def test_the_machine_s_ids_carry_the_machine_s_time_and_grow() -> None:
    before = datetime.now(UTC).timestamp()
    made = [uuid7() for _ in range(2000)]
    assert made == sorted(set(made))
    assert {(each.version, each.variant, each.is_safe) for each in made} == {(7, made[0].variant, made[0].is_safe)}
    assert all(before - 0.01 <= (each.int >> 80) / 1000 <= datetime.now(UTC).timestamp() for each in made)
    assert SystemClock().uuid7() > made[-1]
