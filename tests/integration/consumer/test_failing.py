"""Failing: only the key that failed waits; what follows is retried in order, parked, or dropped by a person."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from headwater.backoff import Backoff
from headwater.commit import Tx
from headwater.consumer import (
    BatchInterrupted,
    ConsumerResumed,
    ConsumerStopped,
    Delivery,
    EventApplied,
    EventFailed,
    HandlerAbandoned,
    KeyParked,
    KeyRecovered,
    KeysParked,
    SetAsideKey,
    Subscription,
    drop,
    in_retry,
    parked,
    retry_now,
)
from headwater.db import CheckFailed
from headwater.log import EVENT
from headwater.observe import Metrics
from headwater.testing import Clock, Databases
from headwater.types import Event
from tests.exposition import samples
from tests.integration.consumer import newer
from tests.integration.consumer.harness import QUICK, WAIT_SECONDS, Happened, Told, World, world, write_down

AT_ONCE = Backoff(first=0.0, most=0.0)
LATER = Backoff(first=3600.0, most=3600.0)


class Broken(Exception):
    """What a handler of these tests raises."""


class Switch:
    """A handler that fails for events that say so, for as long as it is on."""

    def __init__(self) -> None:
        self.on = True
        self.calls = 0

    async def handle(self, tx: Tx, event: Happened, delivery: Delivery) -> None:
        self.calls += 1
        await write_down(tx, event, attempt=delivery.attempt)
        if event.does == "fail" and self.on:
            raise Broken(f"no {event.number}")


def subscribed(handler: Callable[..., Any], **options: Any) -> Subscription:
    options.setdefault("backoff", AT_ONCE)
    return Subscription(name="test.ledger", app="test", events=(Happened,), handler=handler, **options)


async def test_only_the_key_that_failed_waits(headwater_databases: Databases) -> None:
    switch = Switch()
    async with world(headwater_databases, partitions=1) as here:
        await here.log.append(
            *(
                Happened(key=key, number=number, does="fail" if (key, number) == ("b", 3) else "")
                for number in range(10)
                for key in "abc"
            )
        )
        async with here.worker(subscribed(switch.handle, backoff=LATER)):
            await here.wait_for("select count(*) = 7 from headwater.queued")
            await _reached(here)
            assert {"a": list(range(10)), "b": [0, 1, 2], "c": list(range(10))} == await here.applied()
            [aside] = await in_retry(here.pool)
            assert (aside.consumer, aside.key, aside.attempts, aside.behind) == ("test.ledger", "b", 1, 6)
            assert aside.cause.startswith("Broken: no 3\n  ")
            assert "test_failing.py" in aside.cause
            await here.log.append(Happened(key="a", number=10), Happened(key="b", number=10))
            await here.wait_for("select count(*) = 8 from headwater.queued")
            switch.on = False
            assert await retry_now(here.pool, "test.ledger", "b")
            await here.settled()
        assert {key: list(range(11 if key != "c" else 10)) for key in "abc"} == await here.applied()
        assert await here.count("headwater.retry") + await here.count("headwater.queued") == 0


async def test_a_failing_event_costs_a_few_transactions_not_one_per_event(headwater_databases: Databases) -> None:
    switch = Switch()
    steps: list[str] = []
    async with world(headwater_databases, partitions=1) as here:
        await here.log.append(
            *(Happened(key=f"{number}", number=0, does="fail" if number == 70 else "") for number in range(100))
        )
        async with here.worker(subscribed(switch.handle, backoff=LATER), step=steps.append):
            await _reached(here)
        assert [step for step in steps if step in ("failed alone", "set aside")] == ["failed alone", "set aside"]
        assert steps.count("committed") <= 5
        assert await here.count("ledger") == 99


async def test_a_key_recovers_by_itself_once_its_handler_works(headwater_databases: Databases) -> None:
    switch = Switch()
    async with world(headwater_databases) as here:
        await here.log.append(*(Happened(key="a", number=number, does="fail") for number in range(5)))
        with Told() as told:
            async with here.worker(subscribed(switch.handle, retries=1000)):
                await told.wait_for(EventFailed)
                switch.on = False
                await told.wait_for(KeyRecovered)
                await here.settled()
        assert {"a": list(range(5))} == await here.applied()
        assert len(told.of(KeyRecovered)) == 1
        failed = max(each.attempt for each in told.of(EventFailed))
        assert [each.attempt for each in told.of(EventApplied)] == [failed + 1, 1, 1, 1, 1]


async def test_used_up_retries_park_the_key_with_its_cause(headwater_databases: Databases) -> None:
    switch = Switch()
    async with world(headwater_databases) as here:
        await here.log.append(Happened(key="a", number=0, does="fail"), Happened(key="a", number=1))
        with Told() as told:
            async with here.worker(subscribed(switch.handle, retries=3)):
                await told.wait_for(KeyParked)
                await here.log.append(Happened(key="a", number=2), Happened(key="b", number=0))
                with pytest.raises(KeysParked, match=r"test\.ledger, key 'a', .*Broken: no 0"):
                    await here.settled()
        assert [each.attempt for each in told.of(EventFailed)] == [1, 2, 3]
        assert [each.attempt for each in told.of(KeyParked)] == [4]
        [aside] = await parked(here.pool)
        assert (aside.key, aside.attempts, aside.behind, aside.is_parked) == ("a", 4, 2, True)
        assert await in_retry(here.pool) == []
        assert await here.applied() == {"b": [0]}


async def test_a_parked_key_is_tried_again_on_request_and_parked_again(headwater_databases: Databases) -> None:
    switch = Switch()
    async with world(headwater_databases) as here:
        await here.log.append(Happened(key="a", number=0, does="fail"), Happened(key="a", number=1))
        async with here.worker(subscribed(switch.handle, retries=0)):
            before = await _parked(here)
            assert await retry_now(here.pool, "test.ledger", "a")
            await here.wait_for("select parked_at > $1 from headwater.parked", before.since)
            assert [before.position] == [each.position for each in await parked(here.pool)]
            switch.on = False
            assert await retry_now(here.pool, "test.ledger", "a")
            await here.settled()
        assert await here.applied() == {"a": [0, 1]}
        assert not await retry_now(here.pool, "test.ledger", "a")


async def test_dropping_the_failed_entry_lets_the_rest_of_its_key_go_on(headwater_databases: Databases) -> None:
    switch = Switch()
    async with world(headwater_databases) as here:
        await here.log.append(Happened(key="a", number=0, does="fail"), *(Happened(key="a", number=n) for n in (1, 2)))
        async with here.worker(subscribed(switch.handle, retries=0)):
            aside = await _parked(here)
            assert await drop(here.pool, "test.ledger", "a", aside.position) == 1
            await here.log.append(Happened(key="a", number=3))
            await here.settled()
        assert await here.applied() == {"a": [1, 2, 3]}


async def test_dropping_an_entry_further_behind_leaves_the_key_parked(headwater_databases: Databases) -> None:
    switch = Switch()
    async with world(headwater_databases, partitions=1) as here:
        await here.log.append(Happened(key="a", number=0, does="fail"), Happened(key="a", number=1))
        async with here.worker(subscribed(switch.handle, retries=0)):
            await _parked(here)
            assert await drop(here.pool, "test.ledger", "a", here.log.position) == 1
            assert [each.behind for each in await parked(here.pool)] == [0]


async def test_dropping_a_whole_key_frees_it_for_what_comes(headwater_databases: Databases) -> None:
    switch = Switch()
    async with world(headwater_databases) as here:
        await here.log.append(Happened(key="a", number=0, does="fail"), *(Happened(key="a", number=n) for n in (1, 2)))
        async with here.worker(subscribed(switch.handle, retries=0)):
            await _parked(here)
            await _reached(here)
            assert await drop(here.pool, "test.ledger", "a") == 3
            assert await drop(here.pool, "test.ledger", "a") == 0
            await here.log.append(Happened(key="a", number=3))
            await here.settled()
        assert await here.applied() == {"a": [3]}


async def test_a_drop_waits_for_the_transaction_that_queues_behind_the_key(headwater_databases: Databases) -> None:
    switch, inside, go_on = Switch(), asyncio.Event(), asyncio.Event()

    async def handler(tx: Tx, event: Happened, delivery: Delivery) -> None:
        if event.does == "wait":
            inside.set()
            await go_on.wait()
        await switch.handle(tx, event, delivery)

    async with world(headwater_databases, partitions=1) as here:
        await here.log.append(Happened(key="a", number=0, does="fail"))
        async with here.worker(subscribed(handler, retries=0)):
            await _parked(here)
            await here.log.append(Happened(key="a", number=1), Happened(key="b", number=0, does="wait"))
            await inside.wait()
            dropping = asyncio.create_task(drop(here.pool, "test.ledger", "a"))
            await here.wait_for("select exists (select from pg_stat_activity where wait_event_type = 'Lock')")
            go_on.set()
            assert await dropping == 2
            await here.log.append(Happened(key="a", number=2))
            await here.settled()
        assert await here.applied() == {"a": [2], "b": [0]}
        assert await here.count("headwater.queued") == 0


async def test_an_event_that_does_not_fit_its_class_fails_alone(headwater_databases: Databases) -> None:
    switch = Switch()
    async with world(headwater_databases, partitions=1) as here:
        await here.log.append_raw(
            [
                *here.log.entries(Happened(key="a", number=0), Happened(key="b", number=0)),
                ("b", EVENT, _rewritten(here, Happened(key="b", number=1), data={"key": "b", "number": "one"})),
                *here.log.entries(Happened(key="b", number=2), Happened(key="c", number=0)),
            ]
        )
        async with here.worker(subscribed(switch.handle, retries=1)):
            aside = await _parked(here)
            await _reached(here)
        assert aside.cause.startswith("Unreadable: ")
        assert "Expected `int`, got `str` - at `$.number`" in aside.cause
        assert await here.applied() == {"a": [0], "b": [0], "c": [0]}
        assert (aside.key, (await parked(here.pool))[0].behind) == ("b", 1)


async def until_stopped(metrics: Metrics) -> None:
    """Until the worker's next look shows it."""
    name = 'headwater_consumer_partitions_stopped{consumer="test.ledger"}'
    async with asyncio.timeout(WAIT_SECONDS):
        while samples(metrics.expose()[1].decode())[name] != 1:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)


async def test_an_event_of_a_newer_version_stops_its_partition_until_newer_code_comes(
    headwater_databases: Databases,
) -> None:
    switch = Switch()
    got: list[Any] = []

    async def handle_newer(event: newer.Happened) -> None:
        got.append(event)

    async with world(headwater_databases, partitions=1) as here:
        await here.log.append(Happened(key="a", number=0))
        await here.log.append_raw(
            [
                ("a", EVENT, _rewritten(here, Happened(key="a", number=1), version=2)),
                *here.log.entries(Happened(key="b", number=0)),
            ]
        )
        with Told() as told:
            metrics = Metrics()
            async with here.worker(subscribed(switch.handle), metrics=metrics):
                stopped = await told.wait_for(ConsumerStopped)
                assert "is a Happened of version 2, the class here is of version 1" in stopped.reason
                await until_stopped(metrics)
            assert await here.applied() == {"a": [0]}
            assert await here.count("headwater.queued") == 0
            upgraded = msgspec.structs.replace(subscribed(handle_newer), events=(newer.Happened,))
            async with here.worker(upgraded):
                await here.settled()
        assert [(each.key, each.number) for each in got] == [("a", 1), ("b", 0)]
        assert told.of(ConsumerResumed) == []  # a new process knows nothing of the old one's stop


async def test_an_older_version_is_read_where_the_class_still_fits_and_stops_it_where_not(
    headwater_databases: Databases,
) -> None:
    class Moved(Event, key="key", version=3):
        key: str
        number: int
        place: str = "unknown"

    got: list[Moved] = []

    async def handler(event: Moved) -> None:
        got.append(event)

    def older(number: Any) -> bytes:
        return _rewritten(
            here, Happened(key="a", number=0), type="Moved", version=1, data={"key": "a", "number": number}
        )

    subscription = Subscription(name="test.moved", app="test", events=(Moved,), handler=handler)
    async with world(headwater_databases, partitions=1) as here:
        await here.log.append_raw([("a", EVENT, older(7)), ("a", EVENT, older("seven")), ("a", EVENT, older(8))])
        with Told() as told:
            async with here.worker(subscription):
                stopped = await told.wait_for(ConsumerStopped)
        assert [Moved(key="a", number=7)] == got
        assert "is a Moved of version 1, unreadable as 3" in stopped.reason
        assert await here.count("headwater.retry") + await here.count("headwater.parked") == 0


async def test_code_older_than_what_is_set_aside_stops_and_the_right_code_goes_on(
    headwater_databases: Databases,
) -> None:
    working = False
    got: list[int] = []

    async def handle_newer(event: newer.Happened) -> None:
        if not working:
            raise Broken("not yet")
        got.append(event.number)

    of_newer = Subscription(
        name="test.ledger", app="test", events=(newer.Happened,), handler=handle_newer, retries=1000, backoff=AT_ONCE
    )
    async with world(headwater_databases, partitions=1) as here:
        await here.log.append_raw([("a", EVENT, _rewritten(here, Happened(key="a", number=1), version=2))])
        with Told() as told:
            async with here.worker(of_newer):
                await told.wait_for(EventFailed)
            async with here.worker(subscribed(Switch().handle)):
                assert "needs newer code" in (await told.wait_for(ConsumerStopped)).reason
        assert await here.count("headwater.retry") == 1
        working = True
        async with here.worker(of_newer):
            await here.settled()
        assert got == [1]


async def test_what_is_set_aside_and_no_longer_subscribed_leaves_without_an_effect(
    headwater_databases: Databases,
) -> None:
    class Other(Event, key="key"):
        key: str

    async def handler(event: Other) -> None: ...

    async with world(headwater_databases, partitions=1) as here:
        await here.log.append(Happened(key="a", number=0, does="fail"), Happened(key="a", number=1))
        async with here.worker(subscribed(Switch().handle, retries=0)):
            await _parked(here)
            await _reached(here)
        async with here.worker(msgspec.structs.replace(subscribed(handler), events=(Other,))):
            assert await retry_now(here.pool, "test.ledger", "a")
            await here.settled()
        assert await here.applied() == {}
        assert await here.count("headwater.queued") + await here.count("headwater.retry") == 0


async def test_an_error_of_sql_that_a_handler_swallows_is_found_and_only_its_key_set_aside(
    headwater_databases: Databases,
) -> None:
    async def handler(tx: Tx, event: Happened) -> None:
        await write_down(tx, event)
        if event.does == "swallow":
            with pytest.raises(CheckFailed):
                await tx.run("insert into ledger (consumer, key, number) values (null, '', 0)")

    async with world(headwater_databases, partitions=1) as here:
        await here.log.append(
            *(Happened(key=f"{number}", number=0, does="swallow" if number == 13 else "") for number in range(20))
        )
        async with here.worker(subscribed(handler, retries=0)):
            await _reached(here)
            assert [each.key for each in await parked(here.pool)] == ["13"]
        assert await here.count("ledger") == 19


async def test_a_constraint_checked_at_commit_is_charged_to_the_event_that_broke_it(
    headwater_databases: Databases,
) -> None:
    async def handler(tx: Tx, event: Happened) -> None:
        await write_down(tx, event)
        await tx.run("insert into late (id) values ($1)", 1 if event.does == "break" else event.number + 100)

    async with world(headwater_databases, partitions=1) as here:
        await here.connection.execute("create table late (id integer unique deferrable initially deferred)")
        await here.connection.execute("insert into late values (1)")
        await here.log.append(
            *(Happened(key=f"{number}", number=number, does="break" if number == 6 else "") for number in range(20))
        )
        async with here.worker(subscribed(handler, retries=0)):
            await _reached(here)
            [aside] = await parked(here.pool)
        assert (aside.key, aside.cause.startswith("Conflict: ")) == ("6", True)
        assert await here.count("ledger") == 19


async def test_of_a_batch_only_the_bad_events_are_set_aside(headwater_databases: Databases) -> None:
    async def handler(tx: Tx, events: list[Happened]) -> None:
        for event in events:
            await write_down(tx, event)
            if event.does == "fail":
                raise Broken(event.key)

    async with world(headwater_databases, partitions=1) as here:
        await here.log.append(
            *(
                Happened(key=f"{number % 40}", number=number, does="fail" if number in (11, 31, 79) else "")
                for number in range(80)
            )
        )
        async with here.worker(subscribed(handler, batch=25, retries=0)):
            await _reached(here)
            assert {("11", 1), ("31", 1), ("39", 0)} == {(each.key, each.behind) for each in await parked(here.pool)}
        applied = await here.applied()
        assert {f"{key}": [key, key + 40] for key in range(39) if key not in (11, 31)} | {"39": [39]} == applied


async def test_what_queues_behind_before_a_failure_in_the_same_transaction_is_kept(
    headwater_databases: Databases,
) -> None:
    switch = Switch()
    async with world(headwater_databases, partitions=1) as here:
        await here.log.append(Happened(key="a", number=0, does="fail"))
        async with here.worker(subscribed(switch.handle, retries=0)):
            await _parked(here)
        await here.log.append(
            Happened(key="a", number=1), Happened(key="b", number=0, does="fail"), Happened(key="a", number=2)
        )
        async with here.worker(subscribed(switch.handle, retries=0)):
            await _reached(here)
            assert {("a", 2), ("b", 0)} == {(each.key, each.behind) for each in await parked(here.pool)}
            switch.on = False
            for key in "ab":
                assert await retry_now(here.pool, "test.ledger", key)
            await here.settled()
        assert await here.applied() == {"a": [0, 1, 2], "b": [0]}


async def test_a_handler_that_never_returns_counts_as_a_failure(headwater_databases: Databases) -> None:
    async def handler(tx: Tx, event: Happened) -> None:
        await write_down(tx, event)
        if event.does == "hang":
            await asyncio.Event().wait()

    async with world(headwater_databases, partitions=1) as here:
        await here.log.append(
            Happened(key="a", number=0), Happened(key="b", number=0, does="hang"), Happened(key="c", number=0)
        )
        async with here.worker(subscribed(handler, retries=0, timeout=0.1)):
            aside = await _parked(here)
            await _reached(here)
        assert (aside.key, aside.cause) == ("b", "HandlerTimeout: The handler did not return within 0.1 seconds.")
        assert await here.applied() == {"a": [0], "c": [0]}


async def test_a_statement_that_never_returns_is_stopped_with_its_handler(headwater_databases: Databases) -> None:
    async def handler(tx: Tx, event: Happened) -> None:
        await write_down(tx, event)
        if event.does == "hang":
            await tx.run("select pg_sleep(3600)")

    async with world(headwater_databases, partitions=1) as here:
        await here.log.append(Happened(key="a", number=0, does="hang"), Happened(key="b", number=0))
        async with here.worker(subscribed(handler, retries=1, timeout=0.1)):
            aside = await _parked(here)
            await _reached(here)
        assert (aside.key, aside.attempts) == ("a", 2)
        assert await here.applied() == {"b": [0]}


async def test_a_handler_that_ignores_its_cancellation_is_left_behind(headwater_databases: Databases) -> None:
    ended, caught = asyncio.Event(), 0

    async def handler(tx: Tx, event: Happened) -> None:
        nonlocal caught
        await write_down(tx, event)
        while event.does == "ignore" and not ended.is_set():
            try:
                await ended.wait()
            except asyncio.CancelledError:
                caught += 1

    async with world(headwater_databases, partitions=1) as here:
        await here.log.append(Happened(key="a", number=0, does="ignore"), Happened(key="b", number=0))
        with Told() as told:
            async with here.worker(subscribed(handler, retries=0, timeout=0.1)):
                await told.wait_for(HandlerAbandoned)
                await _parked(here)
                await _reached(here)
                ended.set()
        assert caught == 1
        assert await here.applied() == {"b": [0]}


async def test_a_handler_that_lets_its_own_cancellation_escape_has_failed(headwater_databases: Databases) -> None:
    async def handler(tx: Tx, event: Happened) -> None:
        if event.does == "cancel":
            task = asyncio.create_task(asyncio.Event().wait())
            task.cancel()
            await task
        await write_down(tx, event)

    async with world(headwater_databases, partitions=1) as here:
        await here.log.append(Happened(key="a", number=0, does="cancel"), Happened(key="b", number=0))
        async with here.worker(subscribed(handler, retries=0)):
            assert (await _parked(here)).key == "a"
            await _reached(here)
        assert await here.applied() == {"b": [0]}


async def test_a_transaction_lost_to_another_is_tried_again_and_not_the_events_fault(
    headwater_databases: Databases,
) -> None:
    calls = 0

    async def handler(tx: Tx, event: Happened) -> None:
        nonlocal calls
        calls += 1
        await write_down(tx, event)
        if event.does == "lose" and calls < 6:
            await tx.run("do $$ begin raise exception 'deadlock detected' using errcode = '40P01'; end $$")

    async with world(headwater_databases, partitions=1) as here:
        await here.log.append(Happened(key="a", number=0), Happened(key="a", number=1, does="lose"))
        with Told() as told:
            async with here.worker(subscribed(handler, retries=0)):
                await here.settled()
        assert len(told.of(BatchInterrupted)) == 2
        assert await here.applied() == {"a": [0, 1]}


async def test_an_event_that_always_loses_is_set_aside_in_the_end(headwater_databases: Databases) -> None:
    async def handler(tx: Tx, event: Happened) -> None:
        if event.does == "lose":
            await tx.run("do $$ begin raise exception 'deadlock detected' using errcode = '40P01'; end $$")
        await write_down(tx, event)

    async with world(headwater_databases, partitions=1) as here:
        await here.log.append(
            *(Happened(key=f"{number}", number=0, does="lose" if number == 5 else "") for number in range(10))
        )
        async with here.worker(subscribed(handler, retries=0)):
            assert (await _parked(here)).key == "5"
            await _reached(here)
        assert await here.count("ledger") == 9


@pytest.mark.parametrize(
    ("plots", "failed"),
    [
        pytest.param({("a", 0): "LLA", ("a", 1): "LLA"}, [], id="one was applied"),
        pytest.param({("a", 0): "LLLA", ("b", 0): "LLA"}, [("a", 1)], id="one was set aside"),
        pytest.param({("a", 0): "FLLA", ("a", 1): "LLA"}, [("a", 1)], id="one was applied in its retry"),
        pytest.param({("a", 0): "FLLLLLA"}, [("a", 1), ("a", 2)], id="one has failed again in its retry"),
    ],
)
async def test_transactions_lost_to_others_are_counted_anew_after(
    headwater_databases: Databases, plots: dict[tuple[str, int], str], failed: list[tuple[str, int]]
) -> None:
    """Two of an event may be lost. In its plot L loses, F fails and A is applied."""
    acts = {event: iter(plot) for event, plot in plots.items()}

    async def handler(tx: Tx, event: Happened) -> None:
        match next(acts[event.key, event.number]):
            case "L":
                await tx.run("do $$ begin raise exception 'deadlock detected' using errcode = '40P01'; end $$")
            case "F":
                raise Broken
        await write_down(tx, event)

    async with world(headwater_databases, partitions=1) as here:
        await here.log.append(*(Happened(key=key, number=number) for key, number in plots))
        one_by_one = msgspec.structs.replace(QUICK, entries=1, contention_tries=2)
        with Told() as told:
            async with here.worker(subscribed(handler, retries=2), limits=one_by_one):
                await here.settled()
        assert failed == [(each.key, each.attempt) for each in told.of(EventFailed)]
        assert await here.count("ledger") == len(plots)


async def test_partitions_that_deadlock_with_each_other_get_through(headwater_databases: Databases) -> None:
    async def handler(tx: Tx, event: Happened) -> None:
        await write_down(tx, event)
        await tx.run("update total set value = value + 1 where id = $1", event.number)

    async with world(headwater_databases, partitions=4) as here:
        await here.connection.execute("alter system set deadlock_timeout = '50ms'; ")
        await here.connection.execute("select pg_reload_conf()")
        await here.connection.execute("create table total (id integer primary key, value bigint not null)")
        await here.connection.execute("insert into total select n, 0 from generate_series(0, 19) n")
        for start in range(20):
            await here.log.append(*(Happened(key=f"key-{key}", number=(start + key * 7) % 20) for key in range(40)))
        async with (
            here.worker(subscribed(handler, retries=0), worker=0, workers=2),
            here.worker(subscribed(handler, retries=0), worker=1, workers=2),
        ):
            await here.settled()
        await here.connection.execute("alter system reset deadlock_timeout")
        await here.connection.execute("select pg_reload_conf()")
        assert await here.connection.fetchval("select sum(value)::integer from total") == 800
        assert await here.count("ledger") == 800


async def test_time_decides_when_a_key_is_tried_again(headwater_databases: Databases) -> None:
    switch, clock = Switch(), Clock(frozen=True)
    async with world(headwater_databases, partitions=1) as here:
        await here.log.append(Happened(key="a", number=0, does="fail"))
        with Told() as told:
            async with here.worker(subscribed(switch.handle, backoff=LATER), clock=clock):
                failed = await told.wait_for(EventFailed)
                switch.on = False
                assert switch.calls == 1
                clock.jump(seconds=failed.retry_in_seconds)
                await here.settled()
        assert switch.calls == 2


async def test_keys_that_no_index_could_hold_are_set_aside_like_others(headwater_databases: Databases) -> None:
    switch = Switch()
    long = "é" * 5000
    async with world(headwater_databases, partitions=1) as here:
        await here.log.append(Happened(key=long, number=0, does="fail"), Happened(key=long, number=1))
        async with here.worker(subscribed(switch.handle, retries=0)):
            aside = await _parked(here)
            await _reached(here)
            assert [each.behind for each in await parked(here.pool)] == [1]
            switch.on = False
            assert await retry_now(here.pool, "test.ledger", aside.key)
            await here.settled()
        assert {long: [0, 1]} == await here.applied()


def _rewritten(here: World, event: Event, **changes: Any) -> bytes:
    """The event's envelope with other contents."""
    [(_, _, body)] = here.log.entries(event)
    return msgspec.json.encode(msgspec.json.decode(body) | changes)


async def _parked(here: World) -> SetAsideKey:
    """The parked key, once there is one."""
    await here.wait_for("select count(*) > 0 from headwater.parked")
    return (await parked(here.pool))[0]


async def _reached(here: World) -> None:
    """Wait until every watermark has nothing left before it."""
    await here.wait_for(
        "select not exists (select from headwater.watermark w join headwater.batch b using (partition) "
        "where b.last > w.position)"
    )
