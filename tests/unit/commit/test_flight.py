"""One execution per key in a process: who leads, who follows, and what happens when a leader fails."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from headwater.commit import KeyInFlight
from headwater.commit.flight import SingleFlight


class Leader:
    """Work that ends when it is told to."""

    def __init__(self) -> None:
        self.runs = 0
        self.started = asyncio.Event()
        self.outcomes: asyncio.Queue[Callable[[], str]] = asyncio.Queue()

    async def __call__(self) -> str:
        self.runs += 1
        self.started.set()
        return (await self.outcomes.get())()


def fail() -> str:
    raise ZeroDivisionError


def join(
    flights: SingleFlight[str], lead: Callable[[], Awaitable[str]], wait: float = 5.0
) -> asyncio.Task[tuple[str, bool]]:
    return asyncio.create_task(flights.lead_or_follow(b"key", lead, wait))


async def test_everyone_gets_the_one_result() -> None:
    flights, leader = SingleFlight[str](), Leader()
    joined = [join(flights, leader) for _ in range(50)]
    await leader.started.wait()
    leader.outcomes.put_nowait(lambda: "done")
    results = await asyncio.gather(*joined)
    assert results == [("done", False)] + [("done", True)] * 49
    assert leader.runs == 1
    assert len(flights) == 0


async def test_after_a_failure_the_next_one_leads() -> None:
    flights, leader = SingleFlight[str](), Leader()
    joined = [join(flights, leader) for _ in range(5)]
    await leader.started.wait()
    leader.started.clear()
    leader.outcomes.put_nowait(fail)
    await leader.started.wait()
    leader.outcomes.put_nowait(lambda: "done")
    results = await asyncio.gather(*joined, return_exceptions=True)
    assert isinstance(results[0], ZeroDivisionError)
    assert results[1:] == [("done", False)] + [("done", True)] * 3
    assert leader.runs == 2


async def test_after_a_cancellation_the_next_one_leads() -> None:
    flights, leader = SingleFlight[str](), Leader()
    first, second = join(flights, leader), join(flights, leader)
    await leader.started.wait()
    leader.started.clear()
    first.cancel()
    await leader.started.wait()
    leader.outcomes.put_nowait(lambda: "done")
    assert await second == ("done", False)
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_a_cancelled_follower_disturbs_nobody() -> None:
    flights, leader = SingleFlight[str](), Leader()
    first, second, third = (join(flights, leader) for _ in range(3))
    await leader.started.wait()
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    leader.outcomes.put_nowait(lambda: "done")
    assert await first == ("done", False)
    assert await third == ("done", True)


async def test_waiting_too_long_says_when_to_come_back() -> None:
    flights, leader = SingleFlight[str](), Leader()
    first = join(flights, leader)
    await leader.started.wait()
    with pytest.raises(KeyInFlight) as caught:
        await join(flights, leader, wait=0.01)
    assert caught.value.retry_after > 0
    leader.outcomes.put_nowait(lambda: "done")
    assert await first == ("done", False)


async def test_other_keys_fly_at_the_same_time() -> None:
    flights, leader = SingleFlight[str](), Leader()
    first = join(flights, leader)
    await leader.started.wait()
    other = Leader()
    other.outcomes.put_nowait(lambda: "other")
    assert await flights.lead_or_follow(b"other", other, 5.0) == ("other", False)
    leader.outcomes.put_nowait(lambda: "done")
    assert await first == ("done", False)
