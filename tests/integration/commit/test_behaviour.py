"""What a committer promises (G1, G2), held against the real one and against the double that unit tests have."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import msgspec
import pytest

from headwater.commit import Committer, IdempotencyKey, KeyInFlight, KeyReused, Stored, Tx, read_envelope
from headwater.commit.retry import ATTEMPTS
from headwater.db import Contention, LockTimeout, Pool, SessionEnded
from headwater.testing import Clock
from tests.integration.commit.shop import KEEP, OrderPlaced, Outcome, events, key, once, watched
from tests.unit.commit.memory import MemoryCommitter

WAIT_SECONDS = 20.0


class World:
    """A committer, its clock, and what it has committed."""

    def __init__(self, committer: Any, clock: Clock) -> None:
        self.committer = committer
        self.clock = clock

    async def execute(self, work: Callable[[Tx], Awaitable[Stored]], key: IdempotencyKey | None = None) -> Outcome:
        """With a key, once for it."""
        return await once(self.committer, work, key)

    async def events(self) -> list[OrderPlaced]:
        """Those committed since the last call."""
        raise NotImplementedError


class Memory(World):
    async def events(self) -> list[OrderPlaced]:
        payloads, self.committer.payloads = self.committer.payloads, []
        return [msgspec.json.decode(read_envelope(payload).data, type=OrderPlaced) for payload in payloads]


class Postgres(World):
    def __init__(self, committer: Committer, clock: Clock, watch: asyncpg.Connection) -> None:
        super().__init__(committer, clock)
        self._watch = watch

    async def events(self) -> list[OrderPlaced]:
        return await events(self._watch)


Worlds = Callable[..., AbstractAsyncContextManager[World]]


@pytest.fixture(params=["memory", "postgres"])
def world(request: pytest.FixtureRequest) -> Iterator[Worlds]:
    """Make one; `wait` is how many seconds a duplicate waits for the first."""

    @asynccontextmanager
    async def in_memory(wait: float = WAIT_SECONDS) -> AsyncIterator[World]:
        clock = Clock(frozen=True)
        yield Memory(MemoryCommitter(clock, keep=KEEP, wait=wait), clock)

    @asynccontextmanager
    async def in_postgres(wait: float = WAIT_SECONDS) -> AsyncIterator[World]:
        clock = Clock(frozen=True)
        async with watched(url) as watch:
            pool = await Pool.open(url, size=2, application_name="test")
            try:
                yield Postgres(Committer(pool, clock, keep=KEEP, wait=wait), clock, watch)
            finally:
                await pool.close()

    if request.param == "memory":
        yield in_memory
    else:
        url: str = request.getfixturevalue("url")
        yield in_postgres


class Place:
    """Work that emits an event and answers with its order; `then` is awaited in between, and may raise."""

    def __init__(self, then: Callable[[], Awaitable[object]] | None = None) -> None:
        self.runs = 0
        self.transactions: list[Tx] = []
        self._then = then

    async def __call__(self, tx: Tx) -> Stored:
        self.runs += 1
        self.transactions.append(tx)
        order = uuid4()
        tx.emit(OrderPlaced(order=order))
        if self._then is not None:
            await self._then()
        return Stored(201, [("location", f"/orders/{order}")], str(order).encode())


class Held(Place):
    """Work that goes on when it is let."""

    def __init__(self) -> None:
        super().__init__(self._wait)
        self.entered, self.let = asyncio.Event(), asyncio.Event()
        self.fails = False

    async def _wait(self) -> None:
        self.entered.set()
        await self.let.wait()
        if self.fails:
            self.fails = False
            raise ZeroDivisionError


def losing(times: int, error: Contention) -> Callable[[], Awaitable[None]]:
    """What loses against another transaction so many times."""
    left = [error] * times

    async def lose() -> None:
        if left:
            raise left.pop()

    return lose


async def fail() -> None:
    raise ZeroDivisionError


async def orders_of(world: World) -> list[bytes]:
    return [str(event.order).encode() for event in await world.events()]


async def test_the_answer_and_the_events_are_committed(world: Worlds) -> None:
    async with world() as here:
        outcome = await here.execute(Place(), key("one"))
        assert (outcome.replayed, outcome.answer.status) == (False, 201)
        assert await orders_of(here) == [outcome.answer.body]


async def test_without_a_key_work_runs_each_time(world: Worlds) -> None:
    async with world() as here:
        place = Place()
        outcomes = [await here.execute(place) for _ in range(2)]
        assert [outcome.replayed for outcome in outcomes] == [False, False]
        assert await orders_of(here) == [outcome.answer.body for outcome in outcomes]


async def test_a_duplicate_is_given_the_same_answer_and_commits_nothing(world: Worlds) -> None:
    async with world() as here:
        place = Place()
        first, second = [await here.execute(place, key("one")) for _ in range(2)]
        assert second.answer == first.answer
        assert (first.replayed, second.replayed) == (False, True)
        assert place.runs == len(await here.events()) == 1


async def test_another_key_is_another_execution(world: Worlds) -> None:
    async with world() as here:
        one, two = [await here.execute(Place(), key(name)) for name in ("one", "two")]
        assert await orders_of(here) == [one.answer.body, two.answer.body]


@pytest.mark.parametrize("keyed", [True, False])
async def test_what_raises_is_rolled_back_and_not_remembered(world: Worlds, keyed: bool) -> None:
    used = key("one") if keyed else None
    async with world() as here:
        with pytest.raises(ZeroDivisionError):
            await here.execute(Place(fail), used)
        assert await here.events() == []
        assert not (await here.execute(Place(), used)).replayed
        assert len(await here.events()) == 1


async def test_what_is_cancelled_is_rolled_back_and_not_remembered(world: Worlds) -> None:
    async with world() as here:
        held = Held()
        running = asyncio.create_task(here.execute(held, key("one")))
        await held.entered.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert await here.events() == []
        assert not (await here.execute(Place(), key("one"))).replayed


async def test_a_transaction_that_is_over_emits_nothing_more(world: Worlds) -> None:
    async with world() as here:
        done, failed = Place(), Place(fail)
        await here.execute(done)
        with pytest.raises(ZeroDivisionError):
            await here.execute(failed)
        for tx in (*done.transactions, *failed.transactions):
            with pytest.raises(SessionEnded):
                tx.emit(OrderPlaced(order=uuid4()))
        assert len(await here.events()) == 1


async def test_duplicates_at_once_are_one_execution(world: Worlds) -> None:
    async with world() as here:
        held = Held()
        duplicates = [asyncio.create_task(here.execute(held, key("one"))) for _ in range(20)]
        await held.entered.wait()
        held.let.set()
        outcomes = await asyncio.gather(*duplicates)
        assert len({outcome.answer.body for outcome in outcomes}) == 1
        assert sorted(outcome.replayed for outcome in outcomes) == [False] + [True] * 19
        assert held.runs == len(await here.events()) == 1


async def test_when_the_first_fails_the_next_one_runs(world: Worlds) -> None:
    async with world() as here:
        held = Held()
        held.fails = True
        duplicates = [asyncio.create_task(here.execute(held, key("one"))) for _ in range(3)]
        await held.entered.wait()
        held.let.set()
        first, *others = await asyncio.gather(*duplicates, return_exceptions=True)
        assert isinstance(first, ZeroDivisionError)
        executed = [outcome for outcome in others if not isinstance(outcome, BaseException)]
        assert sorted(outcome.replayed for outcome in executed) == [False, True]
        assert held.runs == 2
        assert len(await here.events()) == 1


async def test_a_duplicate_that_has_waited_for_too_long_is_told_when_to_come_back(world: Worlds) -> None:
    async with world(wait=0.02) as here:
        held = Held()
        first = asyncio.create_task(here.execute(held, key("one")))
        await held.entered.wait()
        with pytest.raises(KeyInFlight) as caught:
            await here.execute(held, key("one"))
        assert caught.value.retry_after > 0
        held.let.set()
        assert not (await first).replayed
        assert held.runs == 1


async def test_the_same_key_with_another_request_is_refused_during_and_after(world: Worlds) -> None:
    async with world() as here:
        held = Held()
        first = asyncio.create_task(here.execute(held, key("one", "a request")))
        await held.entered.wait()
        other = asyncio.create_task(here.execute(Place(), key("one", "another")))
        held.let.set()
        assert not (await first).replayed
        with pytest.raises(KeyReused):
            await other
        with pytest.raises(KeyReused):
            await here.execute(Place(), key("one", "another"))
        assert (await here.execute(Place(), key("one", "a request"))).replayed
        assert len(await here.events()) == 1


@pytest.mark.parametrize("keyed", [True, False])
async def test_what_loses_against_others_runs_again_and_commits_once(world: Worlds, keyed: bool) -> None:
    async with world() as here:
        place = Place(losing(ATTEMPTS - 1, Contention(reason="deadlock")))
        outcome = await here.execute(place, key("one") if keyed else None)
        assert not outcome.replayed
        assert place.runs == ATTEMPTS
        assert await orders_of(here) == [outcome.answer.body]


async def test_what_loses_time_and_again_is_given_up(world: Worlds) -> None:
    async with world() as here:
        place = Place(losing(ATTEMPTS, Contention(reason="deadlock")))
        with pytest.raises(Contention):
            await here.execute(place, key("one"))
        assert place.runs == ATTEMPTS
        assert await here.events() == []
        assert not (await here.execute(place, key("one"))).replayed


async def test_what_has_waited_for_a_lock_does_not_wait_again(world: Worlds) -> None:
    async with world() as here:
        place = Place(losing(1, LockTimeout(reason="of a row")))
        with pytest.raises(LockTimeout):
            await here.execute(place)
        assert place.runs == 1


async def test_retries_use_up_a_budget_that_executions_earn_back(world: Worlds) -> None:
    async with world() as here:
        spent = Place(losing(1000, Contention(reason="deadlock")))
        while True:
            before = spent.runs
            with pytest.raises(Contention):
                await here.execute(spent)
            if spent.runs == before + 1:
                break
        for _ in range(11):  # tenths do not add up to a whole
            await here.execute(Place())
        before = spent.runs
        with pytest.raises(Contention):
            await here.execute(spent)
        assert spent.runs == before + 2


async def test_an_answer_is_replayed_until_its_time_is_up_and_then_the_key_is_new(world: Worlds) -> None:
    async with world() as here:
        first = await here.execute(Place(), key("one"))
        here.clock.jump(KEEP - timedelta(microseconds=1))
        assert (await here.execute(Place(), key("one"))).answer == first.answer
        here.clock.jump(timedelta(microseconds=1))
        again = await here.execute(Place(), key("one", "another request"))
        assert not again.replayed
        assert (await here.execute(Place(), key("one", "another request"))).answer == again.answer
        assert await orders_of(here) == [first.answer.body, again.answer.body]
