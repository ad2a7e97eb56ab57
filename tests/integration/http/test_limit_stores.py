"""Limits counted in Valkey: as in memory, over many processes, and what happens while it is away."""

import asyncio
import os
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from valkey.asyncio import Valkey

from headwater.backoff import Backoff
from headwater.engines import EmbeddedValkey
from headwater.http.limit import Charge, MemoryStore, ValkeyStore, ValkeyUnreachable, Verdict
from headwater.http.limit.fallback import Fallback, LimitsLocal, LimitsShared
from headwater.http.limit.gcra import Rate
from headwater.observe import subscribe
from tests.length import examples

HOUR = 3_600_000_000
SECOND = 1_000_000
PATIENT_SECONDS = 10.0
TAG = "{test:limits}:"
AT_ONCE = Backoff(first=0.01, most=0.05)
NEVER = Backoff(first=3600, most=3600)


@pytest.fixture
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="headwater-limits-") as folder:
        yield Path(folder)


@asynccontextmanager
async def running(home: Path) -> AsyncIterator[EmbeddedValkey]:
    engine = EmbeddedValkey(home / "valkey")
    await engine.start()
    try:
        yield engine
    finally:
        await engine.stop()


@asynccontextmanager
async def store_of(engine: EmbeddedValkey) -> AsyncIterator[ValkeyStore]:
    store = ValkeyStore(engine.url, "test", seconds=PATIENT_SECONDS)
    await store.connect()
    try:
        yield store
    finally:
        await store.close()


class Silent:
    """A socket that takes connections and never answers."""

    def __init__(self, place: Path) -> None:
        self.url = f"unix://{place}"
        self._place = place

    async def __aenter__(self) -> "Silent":
        self._server = await asyncio.start_unix_server(self._never, self._place)
        return self

    async def __aexit__(self, *error: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _never(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while await reader.read(1024):
                pass
        writer.close()


class Told:
    """What was reported of limits, and what the gauge was told."""

    def __init__(self) -> None:
        self.kinds: list[type] = []
        self.gauge: list[bool] = []

    def __enter__(self) -> "Told":
        self._end = subscribe(self._hear)
        return self

    def __exit__(self, *error: object) -> None:
        self._end()

    def _hear(self, occurrence: object) -> None:
        if isinstance(occurrence, LimitsLocal | LimitsShared):
            self.kinds.append(type(occurrence))


steps = st.lists(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 4)), min_size=1, max_size=3), max_size=20)


@pytest.mark.campaign
async def test_both_stores_judge_alike(home: Path) -> None:
    async with running(home) as engine, store_of(engine) as shared:
        await _compare(engine, shared)


async def _compare(engine: EmbeddedValkey, shared: ValkeyStore) -> None:
    rates = {"a": Rate(HOUR, 5), "b": Rate(2 * HOUR, 3), "c": Rate(HOUR, 10)}
    asked: list[list[list[tuple[str, int]]]] = []

    @settings(max_examples=examples(60), deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(steps)
    def collect(sequence: list[list[tuple[str, int]]]) -> None:
        asked.append(sequence)

    collect()
    client = Valkey.from_url(engine.url)
    for sequence in asked:
        await client.flushall()
        local = MemoryStore()
        for step in sequence:
            charges = [Charge(key, rates[key], cost) for key, cost in dict(step).items()]
            here, there = await local.take(charges), await shared.take(charges)
            assert here.allowed == there.allowed
            for mine, other in zip(here.debts, there.debts, strict=True):
                assert abs(mine - other) < PATIENT_SECONDS * 1_000_000  # each by its own clock
    await client.aclose()


async def test_many_takers_at_once_get_no_more_than_the_burst(home: Path) -> None:
    async with running(home) as engine, store_of(engine) as one, store_of(engine) as other:
        charge = [Charge("all", Rate(HOUR, 25), 1)]
        verdicts = await asyncio.gather(*((one if n % 2 else other).take(charge) for n in range(200)))
        assert sum(verdict.allowed for verdict in verdicts) == 25


async def test_the_server_s_clock_decides_to_the_microsecond_and_what_is_past_leaves(home: Path) -> None:
    async with running(home) as engine, store_of(engine) as store:
        client = Valkey.from_url(engine.url, decode_responses=True)
        charge = [Charge("all", Rate(HOUR, 2), 1)]
        await store.take(charge)
        moment = int(await client.get(f"{TAG}all"))
        seconds, microseconds = await client.time()
        assert 0 <= seconds * 1_000_000 + microseconds + HOUR - moment < PATIENT_SECONDS * 1_000_000
        assert await client.pttl(f"{TAG}all") <= HOUR // 1000
        await client.set(f"{TAG}all", moment - HOUR - 1)
        assert (await store.take(charge)).debts[0] <= HOUR
        await client.aclose()


async def test_a_server_s_clock_that_went_back_locks_nobody_out(home: Path) -> None:
    async with running(home) as engine, store_of(engine) as store:
        client = Valkey.from_url(engine.url, decode_responses=True)
        charge = [Charge("all", Rate(SECOND, 2), 1)]
        seconds, microseconds = await client.time()
        await client.set(f"{TAG}all", (seconds + 86_400) * SECOND + microseconds)
        assert await store.take(charge) == (False, [2 * SECOND])
        seconds, microseconds = await client.time()
        assert int(await client.get(f"{TAG}all")) <= (seconds + 2) * SECOND + microseconds
        await client.aclose()


async def test_two_backends_in_one_valkey_are_counted_apart(home: Path) -> None:
    async with running(home) as engine, store_of(engine) as one:
        other = ValkeyStore(engine.url, "other", seconds=PATIENT_SECONDS)
        await other.connect()
        charge = [Charge("all", Rate(HOUR, 1), 1)]
        assert [(await store.take(charge)).allowed for store in (one, other, one, other)] == [True, True, False, False]
        await other.close()


async def test_a_script_that_was_flushed_is_sent_again(home: Path) -> None:
    async with running(home) as engine, store_of(engine) as store:
        client = Valkey.from_url(engine.url)
        await client.script_flush()
        charge = [Charge("all", Rate(HOUR, 2), 1)]
        assert [(await store.take(charge)).allowed for _ in range(3)] == [True, True, False]
        await client.aclose()


async def test_a_call_that_is_given_up_does_not_mix_up_the_answers_of_others(home: Path) -> None:
    async with running(home) as engine, store_of(engine) as store:
        charges = [Charge(str(n), Rate(HOUR, 100), n) for n in range(1, 41)]
        tasks = [asyncio.create_task(store.take([charge])) for charge in charges]
        await asyncio.sleep(0)  # all are sent, none is answered
        for task in tasks[::3]:
            task.cancel()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        kept = [
            (charge, answer) for charge, answer in zip(charges, answers, strict=True) if isinstance(answer, Verdict)
        ]
        assert len(kept) == 26
        assert [answer.debts[0] for _, answer in kept] == [charge.cost * HOUR for charge, _ in kept]


async def test_an_error_of_valkey_s_is_the_error_of_its_call_alone(home: Path) -> None:
    async with running(home) as engine, store_of(engine) as store:
        client = Valkey.from_url(engine.url)
        await client.hset(f"{TAG}broken", "a", "b")
        charges = [[Charge(key, Rate(HOUR, 1), 1)] for key in ("one", "broken", "two")]
        one, broken, two = await asyncio.gather(*map(store.take, charges), return_exceptions=True)
        assert (one, two) == (Verdict(True, [HOUR]), Verdict(True, [HOUR]))
        assert isinstance(broken, ValkeyUnreachable)
        assert "WRONGTYPE" in str(broken)
        await client.aclose()


async def test_a_password_is_not_in_what_is_told_of_a_valkey_that_does_not_let_in(home: Path) -> None:
    async with running(home) as engine:
        store = ValkeyStore(f"{engine.url}?password=hunter2", "test")
        with pytest.raises(ValkeyUnreachable) as caught:
            await store.connect()
        assert "hunter2" not in str(caught.value)
        await store.close()


async def test_while_valkey_is_away_each_process_counts_for_itself_and_then_together_again(home: Path) -> None:
    charge = [Charge("all", Rate(HOUR, 2), 1)]
    with Told() as told:
        async with running(home) as engine:
            shared = ValkeyStore(engine.url, "test", seconds=PATIENT_SECONDS)
            limits = Fallback(shared, MemoryStore(), told.gauge.append, backoff=AT_ONCE, start_seconds=PATIENT_SECONDS)
            assert (await limits.take(charge)).allowed
            assert limits.statistics()["outage"] is False
        verdicts = [await limits.take(charge) for _ in range(3)]
        assert [verdict.allowed for verdict in verdicts] == [True, True, False]
        assert limits.statistics()["outage"] is True
        async with running(home):
            async with asyncio.timeout(PATIENT_SECONDS):
                await limits.reached.wait()
            assert (await limits.take(charge)).allowed  # a new Valkey knows of nobody
            assert limits.statistics()["outage"] is False
        await limits.close()
    assert told.kinds == [LimitsLocal, LimitsShared]
    assert told.gauge == [True, False]


async def test_a_valkey_that_cannot_count_is_away_although_it_answers(home: Path) -> None:
    async with running(home) as engine:
        client = Valkey.from_url(engine.url)
        await client.config_set("maxmemory", 1)
        limits = Fallback(ValkeyStore(engine.url, "test"), MemoryStore(), lambda gone: None, backoff=AT_ONCE)
        with Told() as told:
            for _ in range(3):
                assert (await limits.take([Charge("all", Rate(HOUR, 5), 1)])).allowed
            assert told.kinds == [LimitsLocal]
            await client.config_set("maxmemory", 0)
            async with asyncio.timeout(PATIENT_SECONDS):
                await limits.reached.wait()
        await client.aclose()
        await limits.close()


async def test_a_valkey_that_never_answers_costs_one_short_wait_for_all_and_then_none(home: Path) -> None:
    async with Silent(home / "silent.sock") as silent:
        limits = Fallback(ValkeyStore(silent.url, "test"), MemoryStore(), lambda gone: None, backoff=NEVER)
        charge = [Charge("all", Rate(HOUR, 50), 1)]
        verdicts = await asyncio.gather(*(limits.take(charge) for _ in range(20)))
        assert all(verdict.allowed for verdict in verdicts)
        assert limits.statistics()["outage"] is True
        await assert_at_once(limits, charge)
        await limits.close()


async def test_a_valkey_that_stops_answering_costs_one_short_wait_for_all_and_then_none(home: Path) -> None:
    async with running(home) as engine:
        limits = Fallback(ValkeyStore(engine.url, "test"), MemoryStore(), lambda gone: None, backoff=NEVER)
        charge = [Charge("all", Rate(HOUR, 50), 1)]
        async with asyncio.timeout(PATIENT_SECONDS):
            await limits.take(charge)
            await limits.reached.wait()
        loop, pid = asyncio.get_running_loop(), engine.statistics()["pid"]
        os.kill(pid, signal.SIGSTOP)
        try:
            started = loop.time()
            verdicts = await asyncio.gather(*(limits.take(charge) for _ in range(60)))
            assert sum(verdict.allowed for verdict in verdicts) == 50
            assert 0.03 < loop.time() - started < PATIENT_SECONDS
            await assert_at_once(limits, charge)
        finally:
            os.kill(pid, signal.SIGCONT)
            await limits.close()


async def test_a_valkey_that_stops_while_much_is_sent_to_it_holds_nobody_up(home: Path) -> None:
    async with running(home) as engine:
        store = ValkeyStore(engine.url, "test", seconds=0.2)
        await store.connect()
        pid = engine.statistics()["pid"]
        os.kill(pid, signal.SIGSTOP)
        try:
            charge = [Charge("x" * 2000, Rate(HOUR, 1), 1)]
            async with asyncio.timeout(PATIENT_SECONDS):
                outcomes = await asyncio.gather(*(store.take(charge) for _ in range(1000)), return_exceptions=True)
            assert {type(outcome) for outcome in outcomes} == {ValkeyUnreachable}
        finally:
            os.kill(pid, signal.SIGCONT)
            await store.close()


async def test_a_process_that_was_busy_itself_does_not_take_valkey_for_away(home: Path) -> None:
    async with running(home) as engine:
        store = ValkeyStore(engine.url, "test", seconds=0.01)
        await store.connect()
        loop = asyncio.get_running_loop()
        task = asyncio.create_task(store.take([Charge("all", Rate(HOUR, 1), 1)]))
        await asyncio.sleep(0)  # it is sent
        busy_until = loop.time() + 0.1
        while loop.time() < busy_until:
            pass
        assert (await task).allowed
        await store.close()


async def assert_at_once(limits: Fallback, charge: list[Charge]) -> None:
    """Nothing is waited for."""
    tasks = [asyncio.create_task(limits.take(charge)) for _ in range(6)]
    await asyncio.sleep(0)
    assert all(task.done() for task in tasks)
