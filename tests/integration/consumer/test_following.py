"""Following the log: every event once, in order per key, and the watermark with it."""

import asyncio
from typing import Any

import msgspec
import pytest

from headwater.binding import HandlerError
from headwater.commit import Tx, read_envelope
from headwater.consumer import (
    ConsumerForgotten,
    ConsumerWithoutCode,
    Delivery,
    EventsApplied,
    Limits,
    Subscription,
    WorkerInterrupted,
    forget,
    register,
    registered_consumers,
    settled,
)
from headwater.db import Pool, Session
from headwater.log import MALFORMED
from headwater.testing import Databases
from headwater.types import Changed, Row
from tests.integration.consumer.harness import (
    QUICK,
    WAIT_SECONDS,
    Happened,
    Ignored,
    Told,
    World,
    in_order,
    world,
    write_down,
)


def traceparent(digit: str) -> str:
    return f"00-{digit * 32}-{digit * 16}-01"


async def ledger(tx: Tx, event: Happened) -> None:
    await write_down(tx, event)


LEDGER = Subscription(name="test.ledger", app="test", events=(Happened,), handler=ledger)


async def test_every_event_is_applied_once_and_in_the_order_of_its_key(headwater_databases: Databases) -> None:
    async with world(headwater_databases) as here:
        await here.log.fill(keys=20, each=30)
        async with here.worker(LEDGER):
            await here.settled()
        assert in_order(20, 30) == await here.applied()


async def test_what_is_appended_later_is_applied_on_the_wake_up(headwater_databases: Databases) -> None:
    async with world(headwater_databases) as here, here.worker(LEDGER, limits=Limits(poll=60.0)):
        for number in range(50):
            await here.log.append(Happened(key="a", number=number), Happened(key="b", number=number))
            await here.settled()
        assert {"a": list(range(50)), "b": list(range(50))} == await here.applied()


async def test_what_no_wake_up_told_of_is_found_by_looking(headwater_databases: Databases) -> None:
    async with world(headwater_databases) as here:
        # A queue that is full of notifications refuses none, so a lost one is made by taking the channel away.
        await here.connection.execute(
            "create function headwater.pg_notify(text, text) returns void language sql as 'select'"
        )
        await here.connection.execute("alter function headwater.append set search_path = headwater, pg_catalog")
        async with here.worker(LEDGER):
            await here.log.append(Happened(key="a", number=0))
            await here.settled()
        assert await here.applied() == {"a": [0]}


async def test_a_new_worker_goes_on_where_the_last_one_stopped(headwater_databases: Databases) -> None:
    async with world(headwater_databases) as here:
        await here.log.fill(keys=3, each=5)
        async with here.worker(LEDGER):
            await here.settled()
        await here.log.append(*(Happened(key=f"key-{key}", number=5) for key in range(3)))
        async with here.worker(LEDGER):
            await here.settled()
        assert in_order(3, 6) == await here.applied()


async def test_transactions_are_cut_to_their_limits_even_inside_a_batch(headwater_databases: Databases) -> None:
    async with world(headwater_databases, partitions=1) as here:
        await here.log.append(*(Happened(key="a", number=number) for number in range(25)))
        with Told() as told:
            async with here.worker(LEDGER, limits=msgspec.structs.replace(QUICK, entries=10)):
                await here.settled()
        assert [each.events for each in told.of(EventsApplied)] == [10, 10, 5]
        assert {"a": list(range(25))} == await here.applied()


async def test_a_transaction_ends_when_its_time_is_over(headwater_databases: Databases) -> None:
    async with world(headwater_databases, partitions=1) as here:
        await here.log.append(*(Happened(key="a", number=number) for number in range(3)))
        with Told() as told:
            async with here.worker(LEDGER, limits=Limits(transaction=0.0)):
                await here.settled()
        assert [each.events for each in told.of(EventsApplied)] == [1, 1, 1]


async def test_what_concerns_nobody_is_passed_and_the_watermark_moves(headwater_databases: Databases) -> None:
    async with world(headwater_databases) as here, here.worker(LEDGER):
        for number in range(10):
            await here.log.append(Ignored(key="a"), Ignored(key=f"b{number}"))
        await here.log.append_raw([("x", MALFORMED, b"not an envelope")])
        await here.settled()
        assert await here.applied() == {}
        assert (await here.lag_of("test.ledger")).entries == 0
        await here.log.append(Ignored(key="a"), Happened(key="a", number=0), Ignored(key="a"))
        await here.settled()
        assert await here.applied() == {"a": [0]}


async def test_passing_over_costs_no_transaction_of_its_own_for_each_consumer(headwater_databases: Databases) -> None:
    names = [f"test.other_{number}" for number in range(10)]
    others = [Subscription(name=name, app="test", events=(Happened,), handler=ledger) for name in names]
    claims: list[str] = []
    async with world(headwater_databases) as here:
        async with here.worker(*others, step=claims.append, limits=msgspec.structs.replace(QUICK, poll=60.0)):
            for number in range(20):
                await here.log.append(Ignored(key=f"key {number}"))
            await here.settled()
        assert claims == []


async def test_a_transaction_in_parts_is_read_when_its_last_part_is_there(headwater_databases: Databases) -> None:
    async with world(headwater_databases) as here, here.worker(LEDGER, limits=Limits(poll=60.0)):
        first = [Happened(key=f"key-{key}", number=0) for key in range(20)]
        await here.log.append(Happened(key="key-0", number=-1))
        await here.settled()
        await here.log.append_raw(here.log.entries(*first), whole=False)
        await here.log.append(Happened(key="key-0", number=1))  # the NOTIFY names this one's partition only
        await here.wait_for("select count(*) = 22 from ledger")
        assert (await here.applied())["key-0"] == [-1, 0, 1]
        assert {0} == {numbers[0] for key, numbers in (await here.applied()).items() if key != "key-0"}


async def test_workers_share_the_partitions_and_race_for_nothing(headwater_databases: Databases) -> None:
    async with world(headwater_databases, partitions=8) as here:
        await here.log.fill(keys=40, each=20)
        async with (
            here.worker(LEDGER, worker=0, workers=2),
            here.worker(LEDGER, worker=1, workers=2),
            here.worker(LEDGER, worker=0, workers=1),
        ):
            await here.settled()
        assert in_order(40, 20) == await here.applied()


async def test_partitions_of_a_worker_that_is_not_there_are_taken_over(headwater_databases: Databases) -> None:
    async with world(headwater_databases, partitions=8) as here, here.worker(LEDGER, worker=0, workers=3):
        await here.log.fill(keys=40, each=3)
        await here.settled()
        assert in_order(40, 3) == await here.applied()


async def test_reading_on_touches_only_the_segments_that_hold_what_is_new(headwater_databases: Databases) -> None:
    async with world(headwater_databases, partitions=2) as here:
        for _ in range(4):
            await here.log.append(*(Happened(key=f"key-{key}", number=0) for key in range(20)))
            here.log.begin_segment()
        async with here.worker(LEDGER):
            await _settled_apart(here)
        await here.log.append(*(Happened(key=f"key-{key}", number=1) for key in range(20)))
        before = await _scans_of_segments(here)
        async with here.worker(LEDGER):
            await _settled_apart(here)
        after = await _scans_of_segments(here)
    assert len(after) == 5
    assert before[:3] == after[:3]  # the fourth holds the watermark
    assert before[4] < after[4]


MOVED = "select moved_at from headwater.watermark where partition = $1"


async def test_a_watermark_says_when_it_moved(headwater_databases: Databases) -> None:
    async with world(headwater_databases, partitions=1) as here:
        await register(here.pool, [LEDGER])
        begun = await here.connection.fetchval(MOVED, 0)
        await here.log.append(Happened(key="a", number=0))
        async with here.worker(LEDGER):
            applied = await here.wait_for(f"{MOVED} and moved_at > $2", 0, begun)
            await here.log.append(Ignored(key="a"))
            assert await here.wait_for(f"{MOVED} and moved_at > $2", 0, applied)
        broken = await here.connection.fetchval(MOVED, 0)
        await here.log.append(Happened(key="b", number=0, does="fail"))
        async with here.worker(Subscription(name="test.ledger", app="test", events=(Happened,), handler=_fail)):
            await here.wait_for("select exists (select from headwater.retry)")
        assert await here.connection.fetchval(MOVED, 0) > broken


async def _fail(event: Happened) -> None:
    raise ValueError("on purpose")


async def test_a_handler_gets_what_its_parameters_ask_for(headwater_databases: Databases) -> None:
    got: list[tuple[Happened, Delivery]] = []

    async def handler(event: Happened, *, delivery: Delivery) -> None:
        got.append((event, delivery))

    subscription = Subscription(name="test.asks", app="test", events=(Happened,), handler=handler)
    async with world(headwater_databases) as here, here.worker(subscription):
        await here.log.append(Happened(key="a", number=7), traceparent=traceparent("a"))
        await here.settled()
        [(event, delivery)] = got
        assert event == Happened(key="a", number=7)
        assert ("test.asks", "a", 1, here.log.position) == (
            delivery.consumer,
            delivery.key,
            delivery.attempt,
            delivery.position,
        )
        assert delivery.envelope is not None
        assert (delivery.envelope.trace, delivery.envelope.traceparent) == ("a" * 32, traceparent("a"))


async def test_events_of_a_handler_are_part_of_its_transaction_and_carry_on_the_trace(
    headwater_databases: Databases,
) -> None:
    async def handler(tx: Tx, event: Happened) -> None:
        tx.emit(Ignored(key=f"because of {event.number}"))
        if event.does == "fail":
            raise ValueError("after emitting")

    subscription = Subscription(name="test.emits", app="test", events=(Happened,), handler=handler, retries=0)
    async with world(headwater_databases, partitions=1) as here:
        await here.connection.execute("create publication emitted")
        await here.connection.execute("select pg_create_logical_replication_slot('emitted', 'pgoutput')")
        await here.log.append(
            Happened(key="a", number=0), Happened(key="b", number=1, does="fail"), traceparent=traceparent("a")
        )
        await here.log.append(Happened(key="c", number=2), traceparent=traceparent("b"))
        async with here.worker(subscription):
            await here.wait_for("select count(*) = 1 from headwater.parked")
            await here.wait_for("select min(position) = $1 from headwater.watermark", bytes(here.log.position))
        emitted = [read_envelope(content) for content in await _messages(here, "emitted")]
        assert [(each.key, each.traceparent) for each in emitted] == [
            ("because of 0", traceparent("a")),
            ("because of 2", traceparent("b")),
        ]
        assert {("test", "test.emits")} == {(each.app, each.command) for each in emitted}


async def test_row_changes_arrive_as_changed(headwater_databases: Databases) -> None:
    class Product(Row, table="shop.product"):
        id: int
        name: str

    got: list[Changed[Product]] = []

    async def handler(event: Changed[Product]) -> None:
        got.append(event)

    subscription = Subscription(name="test.rows", app="test", events=(Changed[Product],), handler=handler)
    async with world(headwater_databases, partitions=2) as here, here.worker(subscription):
        await here.log.append_change("shop.other", "insert", {"id": 1}, {"id": 1})
        await here.log.append_change("shop.product", "update", {"id": 1}, {"id": 1, "name": "x"})
        await here.log.append_change("shop.product", "delete", {"id": 1}, {})
        await here.settled()
        assert [
            Changed(table="shop.product", operation="update", key={"id": 1}, row={"id": 1, "name": "x"}),
            Changed(table="shop.product", operation="delete", key={"id": 1}, row={}),
        ] == got
        await here.log.append_change("shop.product", "truncate", {}, {})
        await here.settled()
        assert [each.operation for each in got[2:]] == ["truncate", "truncate"]


async def test_batches_come_as_lists_in_the_order_of_the_log(headwater_databases: Databases) -> None:
    sizes: list[int] = []

    async def handler(tx: Tx, events: list[Happened], deliveries: list[Delivery]) -> None:
        assert [each.event for each in deliveries] == events
        sizes.append(len(events))
        for event in events:
            await write_down(tx, event)

    subscription = Subscription(name="test.ledger", app="test", events=(Happened,), handler=handler, batch=10)
    async with world(headwater_databases, partitions=1) as here:
        await here.log.append(*(Happened(key="a", number=number) for number in range(25)))
        async with here.worker(subscription):
            await here.settled()
        assert sizes == [10, 10, 5]
        assert {"a": list(range(25))} == await here.applied()


async def test_a_consumer_that_starts_at_the_latest_sees_only_what_comes_then(headwater_databases: Databases) -> None:
    latest = Subscription(name="test.ledger", app="test", events=(Happened,), handler=ledger, start="latest")
    async with world(headwater_databases) as here:
        await here.log.append(Happened(key="a", number=0))
        async with here.worker(latest):
            await here.log.append(Happened(key="a", number=1))
            await here.settled()
        assert await here.applied() == {"a": [1]}


async def test_a_worker_waits_until_there_is_a_log(headwater_databases: Databases) -> None:
    async with world(headwater_databases) as here:
        await here.connection.execute("delete from headwater.log; delete from headwater.layout")
        with Told() as told:
            starting = asyncio.create_task(_work_once(here))
            await told.wait_for(WorkerInterrupted)
            await here.log.prepare()
            await starting
        assert await here.applied() == {"a": [0]}


async def test_a_consumer_forgotten_under_a_worker_is_reported(headwater_databases: Databases) -> None:
    async with world(headwater_databases) as here, here.worker(LEDGER):
        with Told() as told:
            await forget(here.pool, "test.ledger")
            assert (await told.wait_for(ConsumerForgotten)).consumer == "test.ledger"


async def test_a_consumer_without_code_is_reported_and_kept(headwater_databases: Databases) -> None:
    gone = Subscription(name="test.gone", app="test", events=(Happened,), handler=ledger)
    async with world(headwater_databases) as here:
        await register(here.pool, [gone])
        with Told() as told:
            async with here.worker(LEDGER):
                await here.log.append(Happened(key="a", number=0))
                await here.settled("test.ledger")
        assert [ConsumerWithoutCode(consumer="test.gone", handler="test.gone")] == told.of(ConsumerWithoutCode)
        async with here.pool.acquire() as connection:
            names = [each.name for each in await registered_consumers(Session(connection))]
        assert names == ["test.gone", "test.ledger"]
        await forget(here.pool, "test.gone")
        assert (
            await here.connection.fetchval("select count(*) from headwater.watermark where consumer = 'test.gone'") == 0
        )


async def test_a_handler_that_cannot_be_called_is_refused_before_anything_runs(headwater_databases: Databases) -> None:
    async def handler(tx: Tx, event: Ignored) -> None: ...

    wrong = Subscription(name="test.wrong", app="test", events=(Happened,), handler=handler)
    async with world(headwater_databases) as here:
        with pytest.raises(HandlerError, match="the parameter `event: Ignored` cannot be bound"):
            async with here.worker(wrong):
                pass


async def _work_once(here: World) -> None:
    async with here.worker(LEDGER):
        await here.log.append(Happened(key="a", number=0))
        await here.settled()


async def _messages(here: World, slot: str) -> list[bytes]:
    """The contents of the logical messages of committed transactions, in order."""
    await here.connection.execute("set synchronous_commit to on; create table flushed ()")  # a slot reads flushed WAL
    rows: list[Any] = await here.connection.fetch(
        "select data from pg_logical_slot_get_binary_changes($1, null, null, "
        "'proto_version', '1', 'publication_names', 'emitted', 'messages', 'true')",
        slot,
    )
    contents = []
    for (data,) in rows:
        if data[:1] == b"M":
            # flags:8 | lsn:64 | prefix\0 | size:32 | content
            prefix_end = data.index(b"\0", 10)
            contents.append(data[prefix_end + 5 :])
    return contents


async def _settled_apart(here: World) -> None:
    """By a session that ends with it, and with what it has looked into counted."""
    pool = Pool(here.url, size=1, application_name="headwater consumer test")
    await settled(pool, within=WAIT_SECONDS)
    await pool.close()


async def _scans_of_segments(here: World) -> list[int]:
    """How often each segment has been looked into, oldest first."""
    await here.wait_for(
        "select count(*) = 0 from pg_stat_activity "
        "where datname = current_database() and application_name like 'headwater consumer%'"
    )  # what a session has counted is known once it has ended
    rows = await here.connection.fetch(
        "select seq_scan + idx_scan from pg_stat_user_tables where relname like 'batch\\_%' order by relname"
    )
    return [row[0] for row in rows]
