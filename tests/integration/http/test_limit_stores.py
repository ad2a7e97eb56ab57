"""Limits counted in Valkey: as in memory, over many processes, and what happens while it is away."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from valkey.asyncio import Valkey

from headwater.clock import SystemClock
from headwater.engines import EmbeddedValkey
from headwater.http.limit import Charge, MemoryStore, ValkeyStore
from headwater.http.limit.fallback import Fallback
from headwater.http.limit.gcra import Pace
from headwater.http.limit.valkey import PREFIX

HOUR = 3_600_000_000
PATIENT_SECONDS = 10.0


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
    store = ValkeyStore(engine.url, seconds=PATIENT_SECONDS)
    try:
        yield store
    finally:
        await store.close()


class Jumping:
    """A clock of which only the test moves the hands."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds

    now = SystemClock().now


steps = st.lists(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 4)), min_size=1, max_size=3), max_size=20)


async def test_both_stores_judge_alike(home: Path) -> None:
    async with running(home) as engine, store_of(engine) as shared:
        await _compare(engine, shared)


async def _compare(engine: EmbeddedValkey, shared: ValkeyStore) -> None:
    paces = {"a": Pace(HOUR, 5), "b": Pace(2 * HOUR, 3), "c": Pace(HOUR, 10)}
    asked: list[list[list[tuple[str, int]]]] = []

    @settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(steps)
    def collect(sequence: list[list[tuple[str, int]]]) -> None:
        asked.append(sequence)

    collect()
    client = Valkey.from_url(engine.url)
    for sequence in asked:
        await client.flushall()
        local = MemoryStore()
        for step in sequence:
            charges = [Charge(key, paces[key], cost) for key, cost in dict(step).items()]
            here, there = await local.take(charges), await shared.take(charges)
            assert here.allowed == there.allowed
            for mine, other in zip(here.debts, there.debts, strict=True):
                assert abs(mine - other) < PATIENT_SECONDS * 1_000_000  # each by its own clock
    await client.aclose()


async def test_many_takers_at_once_get_no_more_than_the_burst(home: Path) -> None:
    async with running(home) as engine, store_of(engine) as one, store_of(engine) as other:
        charge = [Charge("all", Pace(HOUR, 25), 1)]
        verdicts = await asyncio.gather(*((one if n % 2 else other).take(charge) for n in range(200)))
        assert sum(verdict.allowed for verdict in verdicts) == 25


async def test_the_server_s_clock_decides_to_the_microsecond_and_what_is_past_leaves(home: Path) -> None:
    async with running(home) as engine, store_of(engine) as store:
        client = Valkey.from_url(engine.url, decode_responses=True)
        charge = [Charge("all", Pace(HOUR, 2), 1)]
        await store.take(charge)
        moment = int(await client.get(f"{PREFIX}all"))
        seconds, microseconds = await client.time()
        assert 0 <= seconds * 1_000_000 + microseconds + HOUR - moment < PATIENT_SECONDS * 1_000_000
        assert await client.pttl(f"{PREFIX}all") <= HOUR // 1000
        await client.set(f"{PREFIX}all", moment - HOUR - 1)
        assert (await store.take(charge)).debts[0] <= HOUR
        await client.aclose()


async def test_while_valkey_is_away_each_process_counts_for_itself_and_then_together_again(home: Path) -> None:
    clock, changes = Jumping(), []
    charge = [Charge("all", Pace(HOUR, 2), 1)]
    async with running(home) as engine:
        limits = Fallback(ValkeyStore(engine.url, seconds=PATIENT_SECONDS), MemoryStore(), clock, changes.append)
        assert (await limits.take(charge)).allowed
    verdicts = [await limits.take(charge) for _ in range(3)]
    assert [verdict.allowed for verdict in verdicts] == [True, True, False]
    async with running(home):
        clock.seconds += 3600
        assert (await limits.take(charge)).allowed  # a new Valkey knows of nobody
        assert limits.statistics()["away"] is False
    await limits.close()
    assert changes == [True, False]


async def test_a_valkey_that_does_not_answer_costs_a_request_no_more_than_its_share(home: Path) -> None:
    async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    place = home / "silent.sock"
    server = await asyncio.start_unix_server(never, place)
    limits = Fallback(ValkeyStore(f"unix://{place}", seconds=0.05), MemoryStore(), Jumping(), lambda gone: None)
    async with asyncio.timeout(PATIENT_SECONDS):
        verdicts = [await limits.take([Charge("all", Pace(HOUR, 5), 1)]) for _ in range(5)]
    assert [verdict.allowed for verdict in verdicts] == [True] * 5
    assert limits.statistics()["away"] is True
    await limits.close()
    server.close()
    await server.wait_closed()
