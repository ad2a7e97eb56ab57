"""Rows, events, record and answer commit together or not at all; one key, one execution."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from headwater.commit import (
    CommandRetried,
    Committer,
    EventTooLarge,
    KeyInFlight,
    KeyReused,
    Stored,
    TransactionEnded,
    Tx,
)
from headwater.commit.errors import OutcomeUnknown
from headwater.db import (
    Conflict,
    Contention,
    Db,
    LockTimeout,
    Pool,
    QueryFailed,
    SessionEnded,
    TransactionControl,
    TransactionFailed,
    Unavailable,
    migrate,
    platform_source,
)
from headwater.engines import EmbeddedPostgres
from headwater.observe import Occurrence, subscribe
from headwater.testing import Clock
from headwater.types import Event
from tests.integration.commit.shop import (
    ORIGIN,
    SLOW_COMMIT,
    OrderPlaced,
    Outcome,
    PlaceOrder,
    assert_nothing,
    events,
    key,
    messages,
    once,
    orders,
    records,
    shop,
    watched,
)
from tests.integration.db.servers import BLOCKED, connected, execute, folder_for_servers, wait_for_row


class TestOneCommit:
    async def test_rows_events_and_record_are_there_together(self, url: str) -> None:
        place = PlaceOrder()
        async with watched(url) as watch, shop(url) as (_, committer):
            outcome = await once(committer, place, key("one"))
            assert not outcome.replayed
            (order,) = await orders(watch)
            assert outcome.answer == Stored(201, [("location", f"/orders/{order}")], str(order).encode())
            assert await events(watch) == [OrderPlaced(order=order)]
            assert await records(watch) == 1

    async def test_without_a_key_nothing_is_recorded(self, url: str) -> None:
        async with watched(url) as watch, shop(url) as (_, committer):
            for _ in range(2):
                await committer.execute(PlaceOrder(), ORIGIN)
            assert len(await orders(watch)) == len(await events(watch)) == 2
            assert await records(watch) == 0

    async def test_an_exception_leaves_nothing_and_is_not_remembered(self, url: str) -> None:
        place = PlaceOrder()

        async def fail(tx: Tx) -> Stored:
            await place(tx)
            raise ZeroDivisionError

        async with watched(url) as watch, shop(url, size=1) as (_, committer):
            for used in (key("one"), None):
                with pytest.raises(ZeroDivisionError):
                    await once(committer, fail, used)
            await assert_nothing(watch)
            assert not (await once(committer, place, key("one"))).replayed
            assert len(await orders(watch)) == 1

    async def test_cancellation_leaves_nothing_and_gives_the_connection_back(self, url: str) -> None:
        async def sleep(tx: Tx) -> Stored:
            await PlaceOrder()(tx)
            await tx.run("select pg_sleep(100)")
            raise AssertionError

        async with watched(url) as watch, shop(url, size=1) as (_, committer):
            running = asyncio.create_task(once(committer, sleep, key("one")))
            await wait_for_row(watch, "select from pg_stat_activity where wait_event = 'PgSleep'")
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
            await assert_nothing(watch)
            assert not (await once(committer, PlaceOrder(), key("one"))).replayed

    async def test_an_error_that_only_the_commit_finds_rolls_everything_back(self, url: str) -> None:
        async with watched(url) as watch, shop(url) as (_, committer):
            await watch.execute("alter table public.orders add unique (number) deferrable initially deferred")
            await watch.execute("alter table public.orders drop constraint orders_number_key")

            async def twice(tx: Tx) -> Stored:
                await PlaceOrder()(tx)
                answer = await PlaceOrder()(tx)
                await tx.run("update public.orders set number = 1")
                return answer

            with pytest.raises(Conflict):
                await once(committer, twice, key("one"))
            await assert_nothing(watch)

    async def test_a_swallowed_error_does_not_pass_for_a_commit(self, url: str) -> None:
        async def swallow(tx: Tx) -> Stored:
            try:
                await tx.run("select 1 / 0")
            except QueryFailed:
                return Stored(200, [], b"")
            raise AssertionError

        async with watched(url) as watch, shop(url) as (_, committer):
            for used in (None, key("one")):
                with pytest.raises(TransactionFailed):
                    await once(committer, swallow, used)
            assert await records(watch) == 0

    async def test_work_cannot_end_its_transaction(self, url: str) -> None:
        async def through_run(tx: Tx) -> Stored:
            await tx.run("commit")
            raise AssertionError

        async def through_the_connection(tx: Tx) -> Stored:
            await tx.connection.execute("rollback")
            return Stored(200, [], b"")

        async with shop(url) as (_, committer):
            with pytest.raises(TransactionControl):
                await once(committer, through_run, key("one"))
            with pytest.raises(TransactionEnded):
                await once(committer, through_the_connection, key("one"))

    async def test_a_transaction_block_commits_at_its_end(self, url: str) -> None:
        async with watched(url) as watch, shop(url, size=1) as (_, committer):
            async with committer.transaction(ORIGIN) as tx:
                await PlaceOrder()(tx)
                assert await orders(watch) == []
            assert len(await orders(watch)) == len(await events(watch)) == 1
            with pytest.raises(ZeroDivisionError):
                await _transact(committer, raising=ZeroDivisionError)
            assert len(await orders(watch)) == 1

    async def test_a_statement_that_comes_late_does_not_reach_the_connection(self, url: str) -> None:
        kept: list[Tx] = []

        async def keep(tx: Tx) -> Stored:
            kept.append(tx)
            return await PlaceOrder()(tx)

        async def keep_and_fail(tx: Tx) -> Stored:
            await keep(tx)
            raise ZeroDivisionError

        async with watched(url) as watch, shop(url, size=1) as (_, committer):
            await committer.execute(keep, ORIGIN)
            with pytest.raises(ZeroDivisionError):
                await committer.execute(keep_and_fail, ORIGIN)
            for tx in kept:
                with pytest.raises(SessionEnded):
                    await tx.run("delete from public.orders")
                with pytest.raises(SessionEnded):
                    tx.connection  # noqa: B018
                with pytest.raises(SessionEnded):
                    tx.emit(OrderPlaced(order=uuid4()))
            assert len(await orders(watch)) == 1

    async def test_what_work_leaves_in_the_session_is_gone_for_the_next(self, url: str) -> None:
        async def leave(tx: Tx) -> Stored:
            await tx.run("set application_name = 'left'")
            return Stored(200, [], b"")

        async with shop(url, size=1) as (pool, committer):
            await committer.execute(leave, ORIGIN)
            assert await Db(pool).one(str, "show application_name") == "test"


class TestEvents:
    async def test_they_keep_the_order_in_which_they_were_emitted(self, url: str) -> None:
        order = uuid4()
        many = [OrderPlaced(order=order, part=part) for part in range(2500)]
        async with watched(url) as watch, shop(url) as (_, committer):
            for count in (1, 16, 17, 2500):
                async with committer.transaction(ORIGIN) as tx:
                    tx.emit(*many[: count // 2])
                    for event in many[count // 2 : count]:
                        tx.emit(event)
                assert await events(watch) == many[:count]

    async def test_large_ones_travel_ahead_and_keep_their_place(self, url: str) -> None:
        async with watched(url) as watch, shop(url) as (_, committer):
            async with committer.transaction(ORIGIN) as tx:
                tx.emit(Bulk(part=0, text=""), Bulk(part=1, text="x" * 200_000), Bulk(part=2, text=""))
            found = [json.loads(body)["data"] for body in await messages(watch)]
            assert [(each["part"], len(each["text"])) for each in found] == [(0, 0), (1, 200_000), (2, 0)]

    async def test_one_that_is_too_large_is_refused_and_nothing_happens(self, url: str) -> None:
        async with watched(url) as watch, shop(url) as (_, committer):
            with pytest.raises(EventTooLarge, match="Bulk"):
                await _transact(committer, emitting=Bulk(text="x" * 17_000_000))
            await assert_nothing(watch)

    async def test_those_of_a_failed_savepoint_go_with_its_rows(self, url: str) -> None:
        async with watched(url) as watch, shop(url) as (_, committer):
            async with committer.transaction(ORIGIN) as tx:
                tx.emit(OrderPlaced(order=UUID(int=1)))
                with pytest.raises(ZeroDivisionError):
                    await _place_and_fail(tx)
                async with tx.savepoint():
                    tx.emit(OrderPlaced(order=UUID(int=2)))
            assert [event.order.int for event in await events(watch)] == [1, 2]
            assert await orders(watch) == []

    async def test_what_is_no_event_is_refused(self, url: str) -> None:
        async with shop(url) as (_, committer):
            with pytest.raises(TypeError, match="dict is not an Event"):
                async with committer.transaction(ORIGIN) as tx:
                    tx.emit({"order": 1})  # type: ignore[arg-type]

    async def test_who_manages_the_transaction_can_write_them(self, url: str) -> None:
        order = uuid4()
        async with watched(url) as watch, shop(url) as (pool, _):
            async with pool.acquire() as connection:
                await connection.execute("begin")
                tx = Tx(connection, ORIGIN)
                tx.emit(OrderPlaced(order=order))
                await tx.flush()
                await tx.flush()
                await connection.execute("commit")
            assert await events(watch) == [OrderPlaced(order=order)]


async def _transact(
    committer: Committer, emitting: Event | None = None, raising: type[Exception] | None = None
) -> None:
    async with committer.transaction(ORIGIN) as tx:
        await PlaceOrder()(tx)
        if emitting is not None:
            tx.emit(emitting)
        if raising is not None:
            raise raising


class Bulk(OrderPlaced, key="order"):
    order: UUID = UUID(int=0)
    text: str


async def _place_and_fail(tx: Tx) -> None:
    async with tx.savepoint():
        await PlaceOrder()(tx)
        raise ZeroDivisionError


class TestOneExecution:
    async def test_fifty_at_once_are_one_execution_and_starve_nobody(self, url: str) -> None:
        """They hold one connection between them, so that others get theirs from the same small pool."""
        place, entered, go_on = PlaceOrder(), asyncio.Event(), asyncio.Event()

        async def slow(tx: Tx) -> Stored:
            entered.set()
            await go_on.wait()
            return await place(tx)

        async with watched(url) as watch, shop(url, size=2) as (pool, committer):
            duplicates = [asyncio.create_task(once(committer, slow, key("one"))) for _ in range(50)]
            await entered.wait()
            others = await asyncio.gather(*(once(committer, PlaceOrder(), key(f"o{i}")) for i in range(20)))
            assert len({outcome.answer.body for outcome in others}) == 20
            go_on.set()
            outcomes = await asyncio.gather(*duplicates)
            assert len({outcome.answer.body for outcome in outcomes}) == 1
            assert [outcome.replayed for outcome in outcomes].count(False) == 1
            assert place.runs == 1
            assert len(await orders(watch)) == len(await events(watch)) == 21
            assert pool.statistics()["open"] <= 2

    async def test_two_processes_at_once_execute_once(self, url: str) -> None:
        place = PlaceOrder()
        async with watched(url) as watch, shop(url) as (_, here), shop(url) as (_, there):
            for number in range(20):
                racers = [once(side, place, key(f"{number}")) for side in (here, there) for _ in range(5)]
                outcomes = await asyncio.gather(*racers)
                assert len({outcome.answer.body for outcome in outcomes}) == 1
                assert [outcome.replayed for outcome in outcomes].count(False) == 1
            assert place.runs == len(await orders(watch)) == len(await events(watch)) == 20

    async def test_the_other_process_waits_for_the_first_and_replays(self, url: str) -> None:
        place, entered, go_on = PlaceOrder(), asyncio.Event(), asyncio.Event()

        async def slow(tx: Tx) -> Stored:
            entered.set()
            await go_on.wait()
            return await place(tx)

        async with watched(url) as watch, shop(url) as (_, here), shop(url) as (_, there):
            first = asyncio.create_task(once(here, slow, key("one")))
            await entered.wait()
            second = asyncio.create_task(once(there, slow, key("one")))
            await wait_for_row(watch, BLOCKED)
            go_on.set()
            assert (await second).answer == (await first).answer
            assert (await second).replayed
            assert place.runs == 1

    async def test_the_other_process_takes_over_when_the_first_fails(self, url: str) -> None:
        entered, go_on = asyncio.Event(), asyncio.Event()

        async def fail(tx: Tx) -> Stored:
            await PlaceOrder()(tx)
            entered.set()
            await go_on.wait()
            raise ZeroDivisionError

        async with watched(url) as watch, shop(url) as (_, here), shop(url) as (_, there):
            first = asyncio.create_task(once(here, fail, key("one")))
            await entered.wait()
            second = asyncio.create_task(once(there, PlaceOrder(), key("one")))
            await wait_for_row(watch, BLOCKED)
            go_on.set()
            with pytest.raises(ZeroDivisionError):
                await first
            assert not (await second).replayed
            assert len(await orders(watch)) == len(await events(watch)) == 1

    async def test_waiting_too_long_says_when_to_come_back(self, url: str) -> None:
        entered, go_on = asyncio.Event(), asyncio.Event()

        async def slow(tx: Tx) -> Stored:
            entered.set()
            await go_on.wait()
            return Stored(200, [], b"")

        async with (
            shop(url, wait_for_leader=0.05) as (_, here),
            shop(url, lock_timeout=0.05) as (_, there),
        ):
            first = asyncio.create_task(once(here, slow, key("one")))
            await entered.wait()
            for committer in (here, there):
                with pytest.raises(KeyInFlight) as caught:
                    await once(committer, slow, key("one"))
                assert caught.value.retry_after > 0
            go_on.set()
            await first

    async def test_the_same_key_with_another_request_is_refused(self, url: str) -> None:
        place, entered, go_on = PlaceOrder(), asyncio.Event(), asyncio.Event()

        async def slow(tx: Tx) -> Stored:
            entered.set()
            await go_on.wait()
            return await place(tx)

        async with watched(url) as watch, shop(url) as (_, here), shop(url) as (_, there):
            first = asyncio.create_task(once(here, slow, key("one", "a request")))
            await entered.wait()
            others = [asyncio.create_task(once(side, place, key("one", "another"))) for side in (here, there)]
            await wait_for_row(watch, BLOCKED)
            go_on.set()
            assert not (await first).replayed
            results = await asyncio.gather(*others, return_exceptions=True)
            assert [type(result) for result in results] == [KeyReused, KeyReused]
            with pytest.raises(KeyReused):
                await once(here, place, key("one", "another"))
            assert place.runs == len(await orders(watch)) == 1

    async def test_after_the_time_it_is_kept_the_key_is_new(self, url: str) -> None:
        place, clock = PlaceOrder(), Clock(frozen=True)
        async with watched(url) as watch, shop(url, clock=clock) as (_, committer):
            first = await once(committer, place, key("one"))
            clock.jump(hours=23, minutes=59)
            assert (await once(committer, place, key("one"))).answer == first.answer
            clock.jump(minutes=1)
            again = await once(committer, place, key("one", "another request"))
            assert not again.replayed
            assert again.answer != first.answer
            assert place.runs == len(await orders(watch)) == 2
            assert await records(watch) == 1

    async def test_purging_drops_what_is_too_old_and_nothing_else(self, url: str) -> None:
        clock = Clock(frozen=True)
        async with watched(url) as watch, shop(url, clock=clock) as (_, committer):
            for number in range(25):
                await once(committer, PlaceOrder(), key(f"old {number}"))
            clock.jump(hours=12)
            young = await once(committer, PlaceOrder(), key("young"))
            clock.jump(hours=12)
            assert await committer.purge(rows=10) == 25
            assert await records(watch) == 1
            assert (await once(committer, PlaceOrder(), key("young"))).answer == young.answer
            assert await committer.purge() == 0

    async def test_large_and_odd_answers_are_replayed_byte_for_byte(self, url: str) -> None:
        answers = [
            Stored(200, [], b""),
            Stored(599, [("x-ü", "'; drop table t; --"), ("x", "")], bytes(range(256))),
            Stored(200, [("a", "b")] * 100, b"\x00\xff" * 500_000),
        ]
        async with shop(url) as (_, here), shop(url) as (_, there):
            for number, answer in enumerate(answers):

                async def work(tx: Tx, answer: Stored = answer) -> Stored:
                    return answer

                assert (await once(here, work, key(f"{number}"))).answer == answer
                assert (await once(there, work, key(f"{number}"))).answer == answer


class TestContention:
    async def test_a_deadlock_is_executed_again_from_the_start(self, url: str) -> None:
        told: list[Occurrence] = []
        unsubscribe = subscribe(told.append)
        await execute(
            url, "create table account (id int primary key, sum int); insert into account values (1, 0), (2, 0)"
        )
        both = asyncio.Barrier(2)
        first_runs = {1, 2}

        def adding(one: int, other: int) -> Callable[[Tx], Awaitable[Stored]]:
            async def work(tx: Tx) -> Stored:
                await tx.run("update account set sum = sum + 1 where id = $1", one)
                if one in first_runs:
                    first_runs.discard(one)
                    await both.wait()
                await tx.run("update account set sum = sum + 1 where id = $1", other)
                tx.emit(OrderPlaced(order=UUID(int=one)))
                return Stored(200, [], b"")

            return work

        async with watched(url) as watch, shop(url) as (_, committer):
            await asyncio.gather(once(committer, adding(1, 2), key("a")), once(committer, adding(2, 1), key("b")))
            assert await watch.fetchval("select array_agg(sum order by id) from account") == [2, 2]
            assert sorted(event.order.int for event in await events(watch)) == [1, 2]
            assert await records(watch) == 2
        unsubscribe()
        assert [each.attempt for each in told if isinstance(each, CommandRetried)] == [1]

    async def test_contention_that_does_not_end_is_raised(self, url: str) -> None:
        runs = 0

        async def lose(tx: Tx) -> Stored:
            nonlocal runs
            runs += 1
            await tx.run("do $$ begin raise exception using errcode = 'serialization_failure'; end $$")
            raise AssertionError

        async with shop(url, size=1) as (_, committer):
            with pytest.raises(Contention):
                await once(committer, lose, key("one"))
            assert runs == 5

    async def test_what_is_executed_pays_for_retries_after_the_budget_is_spent(self, url: str) -> None:
        runs = 0

        async def lose(tx: Tx) -> Stored:
            nonlocal runs
            runs += 1
            await tx.run("do $$ begin raise exception using errcode = 'serialization_failure'; end $$")
            raise AssertionError

        async def runs_of_a_command_that_loses() -> int:
            before = runs
            with pytest.raises(Contention):
                await committer.execute(lose, ORIGIN)
            return runs - before

        async with watched(url), shop(url, size=1) as (_, committer):
            while await runs_of_a_command_that_loses() > 1:
                assert runs < 100, "the budget has no end"
            for _ in range(11):
                await committer.execute(PlaceOrder(), ORIGIN)
            assert await runs_of_a_command_that_loses() == 2

    async def test_a_lock_that_is_not_to_be_had_is_not_waited_for_again(self, url: str) -> None:
        runs = 0

        async def lock(tx: Tx) -> Stored:
            nonlocal runs
            runs += 1
            await tx.run("lock table public.orders")
            raise AssertionError

        async with watched(url) as watch, shop(url, lock_timeout=0.05) as (_, committer), connected(url) as holder:
            async with holder.transaction():
                await holder.execute("lock table public.orders")
                with pytest.raises(LockTimeout):
                    await once(committer, lock, key("one"))
            assert runs == 1
            assert await records(watch) == 0

    async def test_a_migration_under_a_command_is_met_by_executing_it_again(self, url: str) -> None:
        async def read(tx: Tx) -> Stored:
            rows = await tx.all(dict, "select * from public.orders")
            return Stored(200, [], str([list(row) for row in rows]).encode())

        async with watched(url), shop(url, size=4) as (pool, committer):
            await committer.execute(PlaceOrder(), ORIGIN)
            held = [await pool.take() for _ in range(4)]
            for connection in held:
                pool.put(connection)
                await committer.execute(read, ORIGIN)
            await execute(url, "alter table public.orders add column note text")
            answers = await asyncio.gather(*(committer.execute(read, ORIGIN) for _ in range(8)))
            assert all(b"note" in answer.body for answer in answers)


class TestLostConnections:
    async def test_one_that_died_while_idle_is_not_noticed(self, url: str) -> None:
        async with watched(url) as watch, shop(url, size=3) as (_, committer):
            await asyncio.gather(*(once(committer, PlaceOrder(), key(f"a{i}")) for i in range(3)))
            await watch.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'test'"
            )
            await asyncio.gather(*(once(committer, PlaceOrder(), key(f"b{i}")) for i in range(10)))
            assert len(await orders(watch)) == 13

    async def test_one_that_dies_under_the_work_leaves_nothing_and_says_so(self, url: str) -> None:
        async def die(tx: Tx) -> Stored:
            await PlaceOrder()(tx)
            pid = await tx.one(int, "select pg_backend_pid()")
            await execute(url, f"select pg_terminate_backend({pid})")
            return await PlaceOrder()(tx)

        async with watched(url) as watch, shop(url) as (_, committer):
            with pytest.raises(Unavailable):
                await once(committer, die, key("one"))
            await assert_nothing(watch)

    async def test_one_that_dies_in_the_commit_leaves_the_outcome_unknown_until_asked_again(self, url: str) -> None:
        place = PlaceOrder()
        async with watched(url) as watch, shop(url, lock_timeout=0) as (_, committer), connected(url) as holder:
            await watch.execute(SLOW_COMMIT)
            await holder.execute("select pg_advisory_lock(77)")
            running = asyncio.create_task(once(committer, place, key("one")))
            pid = (await wait_for_row(watch, BLOCKED))["pid"]
            await watch.execute("select pg_terminate_backend($1)", pid)
            with pytest.raises(OutcomeUnknown) as caught:
                await running
            assert caught.value.retry_after > 0
            await holder.execute("select pg_advisory_unlock(77)")
            outcome = await once(committer, place, key("one"))
            (order,) = await orders(watch)
            assert outcome.answer.body == str(order).encode()
            assert [event.order for event in await events(watch)] == [order]

    async def test_a_server_stopped_under_the_work_and_started_again_has_it_once(self) -> None:
        place = PlaceOrder()
        with folder_for_servers() as folder:
            engine = EmbeddedPostgres(folder / "postgres")
            await engine.start()
            try:
                await migrate(engine.url, [platform_source()])
                await execute(engine.url, "create table public.orders (id uuid primary key, number serial)")

                async def stop(tx: Tx) -> Stored:
                    await place(tx)
                    await engine.stop()
                    return await place(tx)

                async with shop(engine.url, wait=1.0) as (_, committer):
                    with pytest.raises(Unavailable):
                        await once(committer, stop, key("one"))
                    with pytest.raises(Unavailable):
                        await once(committer, place, key("one"))
                    await engine.start()
                    outcome = await _execute_when_back(committer, place)
                    async with connected(engine.url) as outside:
                        assert [str(order).encode() for order in await orders(outside)] == [outcome.answer.body]
            finally:
                await engine.stop()

    async def test_a_connection_whose_statements_were_taken_away_is_replaced(self, url: str) -> None:
        async with watched(url) as watch, shop(url, size=1) as (pool, committer):
            await once(committer, PlaceOrder(), key("one"))
            async with pool.acquire() as connection:
                await connection.execute("deallocate all")
            await once(committer, PlaceOrder(), key("two"))
            assert len(await orders(watch)) == len(await events(watch)) == 2


async def _execute_when_back(committer: Committer, work: PlaceOrder) -> Outcome:
    """Try again as a client would: after as long as the refusal says."""
    async with asyncio.timeout(20):
        while True:
            try:
                return await once(committer, work, key("one"))
            except Unavailable as error:
                await asyncio.sleep(min(error.retry_after, 0.1))


TERMINATE = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'test'"


async def test_statistics_count_what_was_done(url: str) -> None:
    await execute(url, "create table public.orders (id uuid, number serial)")
    async with shop(url) as (_, committer):
        for name in ("a", "a", "b"):
            await once(committer, PlaceOrder(), key(name))
        assert committer.statistics() == {"executed": 2, "replayed": 1, "retried": 0, "keys_in_flight": 0}


async def test_it_needs_two_messages_beside_the_work(url: str) -> None:
    """Counted at the socket: every message of ours is answered by one ReadyForQuery."""
    await execute(url, "create table public.orders (id uuid, number serial)")
    pool = await Pool.open(url, size=1, application_name="test")
    committer = Committer(pool, keep=timedelta(hours=1))
    await once(committer, PlaceOrder(), key("warm"))
    connection = await pool.take()
    sent: list[str] = []
    connection.add_query_logger(lambda record: sent.append(record.query))
    pool.put(connection)
    await once(committer, PlaceOrder(), key("measured"))
    await asyncio.sleep(0)
    assert [query.split(" ")[0] for query in sent] == ["begin", "insert", "execute"]
    await pool.close()
