"""The barrier: the number of partitions changes under running consumers, and nothing is lost, repeated or reordered."""

import signal
from collections.abc import Iterator

import pytest

from headwater.backoff import Backoff
from headwater.commit import Tx
from headwater.consumer import (
    ConsumerExists,
    Delivery,
    LayoutSwitched,
    PositionExpired,
    Subscription,
    UnknownConsumer,
    forget,
    lag,
    parked,
    repartition,
    replay,
    retry_now,
)
from headwater.log import Position, partition_of
from headwater.testing import Databases
from tests.integration.consumer.harness import Happened, Ignored, Told, World, world, write_down
from tests.integration.consumer.test_crash import _exit, victim
from tests.integration.consumer.victim import LEDGER

KEYS = 30


async def test_a_new_layout_takes_over_at_its_barrier(headwater_databases: Databases) -> None:
    async with world(headwater_databases, partitions=4) as here:
        with Told() as told:
            async with here.worker(LEDGER, worker=0, workers=2), here.worker(LEDGER, worker=1, workers=2):
                numbers = _numbers()
                for partitions in (16, 3, 7):
                    await _round(here, next(numbers))
                    assert here.log.generation + 1 == await repartition(here.pool, partitions)
                    await here.log.follow_layout()
                    await _round(here, next(numbers))
                await here.settled()
                await here.wait_for("select generation = 4 from headwater.consumer")
        assert _rounds(6) == await here.applied()
        assert len(told.of(LayoutSwitched)) == 3
        assert set(range(7)) == set((await here.lag_of("test.ledger")).watermarks)


async def test_the_same_number_of_partitions_is_no_new_layout(headwater_databases: Databases) -> None:
    async with world(headwater_databases, partitions=4) as here:
        assert await repartition(here.pool, 4) == 1


async def test_who_begins_after_layouts_have_changed_passes_through_all_of_them(headwater_databases: Databases) -> None:
    async with world(headwater_databases, partitions=4) as here:
        numbers = _numbers()
        for partitions in (2, 9):
            await _round(here, next(numbers))
            await repartition(here.pool, partitions)
            await here.log.follow_layout()
        await _round(here, next(numbers))
        async with here.worker(LEDGER):
            await here.settled()
        assert _rounds(3) == await here.applied()


async def test_a_part_of_a_transaction_is_not_left_behind_in_the_old_layout(headwater_databases: Databases) -> None:
    async with world(headwater_databases, partitions=4) as here:
        await _round(here, 0)
        parts = here.log.entries(*(Happened(key=f"key-{key}", number=1) for key in range(KEYS)))
        await here.log.append_raw(parts, whole=False)
        await repartition(here.pool, 2)
        await here.log.follow_layout()
        await here.log.append_raw(parts)  # the relay begins again from its slot
        async with here.worker(LEDGER):
            await here.settled()
        assert _rounds(2) == await here.applied()


async def test_keys_set_aside_pass_the_barrier_with_their_queues(headwater_databases: Databases) -> None:
    failing = True

    async def handler(tx: Tx, event: Happened, delivery: Delivery) -> None:
        await write_down(tx, event)
        if failing and event.number == 0:
            raise ValueError("not yet")

    subscription = Subscription(
        name="test.ledger", app="test", events=(Happened,), handler=handler, retries=0, backoff=Backoff(first=0.0)
    )
    async with world(headwater_databases, partitions=4) as here:
        async with here.worker(subscription):
            await _round(here, 0)
            await _round(here, 1)
            await here.wait_for("select count(*) = $1 from headwater.queued", 2 * KEYS)
            await repartition(here.pool, 11)
            await here.log.follow_layout()
            await here.wait_for("select generation = 2 from headwater.consumer")
            await _round(here, 2)
            await here.wait_for("select count(*) = $1 from headwater.queued", 3 * KEYS)
            assert {(each.key, partition_of(each.key, 11)) for each in await parked(here.pool)} == {
                (each.key, each.partition) for each in await parked(here.pool)
            }
            failing = False
            for each in await parked(here.pool):
                await retry_now(here.pool, "test.ledger", each.key)
            await here.settled()
        assert _rounds(3) == await here.applied()


@pytest.mark.parametrize("step", ["claimed", "effects done", "committed", "switched"])
async def test_kill_9_around_the_barrier_loses_and_repeats_nothing(headwater_databases: Databases, step: str) -> None:
    async with world(headwater_databases, partitions=4) as here:
        await _round(here, 0)
        await repartition(here.pool, 9)
        await here.log.follow_layout()
        await _round(here, 1)
        await repartition(here.pool, 5)
        await here.log.follow_layout()
        await _round(here, 2)
        async with victim(here, "0", "1", step, "2") as process:
            assert await _exit(process) == -signal.SIGKILL
        async with here.worker(LEDGER):
            await here.settled()
        assert _rounds(3) == await here.applied()


async def test_partitions_of_keys_are_those_of_the_relay(headwater_databases: Databases) -> None:
    keys = ["", "a", "ключ", "0190-ff", "x" * 500, *(f"key-{number}" for number in range(50))]
    async with world(headwater_databases) as here:
        for partitions in (1, 7, 16, 1024):
            rows = await here.connection.fetch(
                "select headwater.partition_of(key, $2) from unnest($1::text[]) with ordinality k(key, n) order by n",
                keys,
                partitions,
            )
            assert [partition_of(key, partitions) for key in keys] == [row[0] for row in rows]


async def test_a_replay_runs_the_same_handler_under_its_own_name(headwater_databases: Databases) -> None:
    async def handler(tx: Tx, event: Happened, delivery: Delivery) -> None:
        await write_down(tx, event, consumer=delivery.consumer)

    subscription = Subscription(name="test.ledger", app="test", events=(Happened,), handler=handler)
    async with world(headwater_databases, partitions=1) as here, here.worker(subscription):
        await here.log.append(*(Happened(key="a", number=number) for number in range(4)))
        await here.settled()
        await replay(here.pool, "test.ledger", "test.again")
        middle = Position(here.log.position.epoch, here.log.position.commit_lsn, 1)
        await replay(here.pool, "test.ledger", "test.half", middle)
        await here.settled()
        assert await here.applied("test.again") == {"a": [0, 1, 2, 3]}
        assert await here.applied("test.half") == {"a": [2, 3]}
        await here.log.append(Happened(key="a", number=4))
        await here.settled()
        assert await here.applied("test.half") == {"a": [2, 3, 4]}
        assert await here.applied() == {"a": [0, 1, 2, 3, 4]}
        with pytest.raises(ConsumerExists):
            await replay(here.pool, "test.ledger", "test.again")
        with pytest.raises(UnknownConsumer, match=r"The consumers are: test\.again, test\.half, test\.ledger"):
            await replay(here.pool, "test.unknown", "test.more")
        with pytest.raises(PositionExpired):
            await replay(here.pool, "test.ledger", "test.more", Position(0, 1, 0))
        await forget(here.pool, "test.half")
        await here.log.append(Happened(key="a", number=5))
        await here.settled()
        assert await here.applied("test.half") == {"a": [2, 3, 4]}
        assert [each.consumer for each in await lag(here.pool)] == ["test.again", "test.ledger"]
        with pytest.raises(UnknownConsumer):
            await forget(here.pool, "test.half")


async def test_lag_says_how_far_behind_a_consumer_is(headwater_databases: Databases) -> None:
    async with world(headwater_databases, partitions=2) as here:
        await here.log.append(Ignored(key="a"))
        async with here.worker(LEDGER):
            await here.settled()
        behind = await here.lag_of("test.ledger")
        assert (behind.batches, behind.entries, behind.seconds) == (0, 0, 0.0)
        assert here.log.position == behind.position
        await here.log.append(*(Happened(key=f"key-{key}", number=0) for key in range(KEYS)))
        await here.log.append(Happened(key="key-0", number=1))
        behind = await here.lag_of("test.ledger")
        assert (behind.batches, behind.entries, behind.seconds > 0) == (3, KEYS + 1, True)
        assert here.log.position == behind.head
        assert behind.position < behind.head


async def test_lag_tells_a_consumer_that_stands_still_from_one_that_is_slow(headwater_databases: Databases) -> None:
    async with world(headwater_databases, partitions=2) as here:
        async with here.worker(LEDGER):
            await here.settled()
        assert (await here.lag_of("test.ledger")).still_seconds == 0.0
        await here.log.append(Happened(key="a", number=0))
        stuck = await here.lag_of("test.ledger")
        assert stuck.still_seconds == stuck.seconds > 0
        await here.connection.execute("update headwater.watermark set moved_at = clock_timestamp()")
        slow = await here.lag_of("test.ledger")
        assert 0 < slow.still_seconds < slow.seconds


def _numbers() -> Iterator[int]:
    yield from range(100)


async def _round(here: World, number: int) -> None:
    """One event of every key."""
    await here.log.append(*(Happened(key=f"key-{key}", number=number) for key in range(KEYS)))


def _rounds(count: int) -> dict[str, list[int]]:
    return {f"key-{key}": list(range(count)) for key in range(KEYS)}
