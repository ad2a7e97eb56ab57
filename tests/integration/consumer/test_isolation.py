"""No contagion: a slow or hanging consumer delays only itself (guarantee G7)."""

import asyncio

from headwater.commit import Tx
from headwater.consumer import Limits, Subscription
from headwater.consumer.occurrences import KeyParked
from headwater.log import partition_of
from headwater.testing import Databases
from tests.integration.consumer.harness import Happened, Told, World, world, write_down

LIMITS = Limits(turns=2, connections=5, slow_after=0.02, transaction=0.01, turn=0.01)


async def quick(tx: Tx, event: Happened) -> None:
    await write_down(tx, event, consumer="test.quick")


QUICK = Subscription(name="test.quick", app="test", events=(Happened,), handler=quick)


async def test_a_hanging_consumer_does_not_hold_up_another(headwater_databases: Databases) -> None:
    hanging, go_on = asyncio.Event(), asyncio.Event()

    async def hang(tx: Tx, event: Happened) -> None:
        hanging.set()
        await go_on.wait()
        await write_down(tx, event, consumer="test.slow")

    slow = Subscription(name="test.slow", app="test", events=(Happened,), handler=hang)
    async with world(headwater_databases, partitions=8) as here, here.worker(slow, QUICK, limits=LIMITS):
        for number in range(10):
            await here.log.append(*(Happened(key=f"key-{key}", number=number) for key in range(20)))
        await hanging.wait()
        await here.settled("test.quick")
        assert sum(map(len, (await here.applied("test.quick")).values())) == 200
        assert await here.applied("test.slow") == {}
        go_on.set()
        await here.settled("test.slow")
        assert await here.applied("test.quick") == await here.applied("test.slow")


async def test_many_hanging_consumers_leave_room_for_one_that_works(headwater_databases: Databases) -> None:
    hanging, go_on = asyncio.Semaphore(0), asyncio.Event()

    async def hang(tx: Tx, event: Happened) -> None:
        hanging.release()
        await go_on.wait()

    many = [Subscription(name=f"test.slow_{n}", app="test", events=(Happened,), handler=hang) for n in range(3)]
    async with world(headwater_databases, partitions=8) as here, here.worker(*many, QUICK, limits=LIMITS):
        await here.log.append(*(Happened(key=f"key-{key}", number=0) for key in range(20)))
        for _ in many:
            await hanging.acquire()
        await here.log.append(*(Happened(key=f"key-{key}", number=1) for key in range(20)))
        await here.settled("test.quick")
        go_on.set()
        await here.settled()


async def test_a_hanging_key_does_not_hold_up_other_partitions_of_its_consumer(headwater_databases: Databases) -> None:
    hanging, go_on = asyncio.Event(), asyncio.Event()

    async def handler(tx: Tx, event: Happened) -> None:
        if event.does == "hang":
            hanging.set()
            await go_on.wait()
        await write_down(tx, event)

    subscription = Subscription(name="test.ledger", app="test", events=(Happened,), handler=handler)
    async with world(headwater_databases, partitions=8) as here, here.worker(subscription, limits=LIMITS):
        await here.log.append(Happened(key="stuck", number=0, does="hang"))
        await hanging.wait()
        others = [key for key in range(40) if not _same_partition(here, f"key-{key}", "stuck")]
        await here.log.append(*(Happened(key=f"key-{key}", number=0) for key in others))
        await here.wait_for("select count(*) = $1 from ledger", len(others))
        go_on.set()
        await here.settled()


async def test_one_consumer_in_trouble_is_the_only_one_that_reports_it(headwater_databases: Databases) -> None:
    async def fail(tx: Tx, event: Happened) -> None:
        raise ValueError("always")

    broken = Subscription(name="test.broken", app="test", events=(Happened,), handler=fail, retries=0)
    async with world(headwater_databases, partitions=4) as here, here.worker(broken, QUICK):
        with Told() as told:
            await here.log.fill(keys=10, each=5)
            await here.settled("test.quick")
            await here.wait_for("select count(*) = 50 from headwater.queued")
        assert {"test.broken"} == {each.consumer for each in told.of(KeyParked)}
        assert sum(map(len, (await here.applied("test.quick")).values())) == 50


async def test_a_worker_told_to_stop_rolls_back_what_does_not_end(headwater_databases: Databases) -> None:
    hanging = asyncio.Event()

    async def hang(tx: Tx, event: Happened) -> None:
        await write_down(tx, event)
        hanging.set()
        await asyncio.Event().wait()

    stuck = Subscription(name="test.ledger", app="test", events=(Happened,), handler=hang)
    async with world(headwater_databases) as here:
        async with here.worker(stuck, limits=Limits(drain=0.1)):
            await here.log.append(Happened(key="a", number=0))
            await hanging.wait()
        assert await here.applied() == {}


async def test_the_server_ends_a_transaction_whose_worker_hangs(headwater_databases: Databases) -> None:
    limits: list[str] = []

    async def handler(tx: Tx, event: Happened) -> None:
        for name in ("idle_in_transaction_session_timeout", "statement_timeout"):
            limits.append(await tx.one(str, "select current_setting($1)", name))

    subscription = Subscription(name="test.limits", app="test", events=(Happened,), handler=handler, timeout=7.0)
    async with world(headwater_databases) as here, here.worker(subscription):
        await here.log.append(Happened(key="a", number=0))
        await here.settled()
    assert limits == ["22s", "22s"]


def _same_partition(here: World, one: str, other: str) -> bool:
    return partition_of(one, here.log.partitions) == partition_of(other, here.log.partitions)
