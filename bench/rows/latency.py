"""From a command's commit to its event applied by a consumer, at 200 commits a second.

Relay and consumer are the product's processes. Both ends of the time are PostgreSQL's own commit timestamps: of the
command's transaction, and of the one in which the consumer applied its event and moved its watermark. PostgreSQL takes
them just before it makes a commit durable. So the time spans the fsyncs of the command and of the append to the log,
and not the consumer's own; counted between what two clients see, it would begin one fsync later and end one later.
"""

import asyncio
import itertools
import statistics
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta

import asyncpg

from bench.lab import Lab
from bench.ours.noting import TABLES, Committed, backend
from bench.ours.product import product_child
from bench.row import Goal, Result, Row, Sample, Sense
from headwater.commit import Committer, Origin
from headwater.db import Pool
from headwater.settings import Settings
from headwater.wal import prepare_log

_WORK = "commit to applied in a consumer, 200 commits/s"
MIDDLE = Row(name="latency-p50", work=f"{_WORK}, p50", against="", goal=Goal(Sense.AT_MOST, 5, "ms"))
TAIL = Row(name="latency-p99", work=f"{_WORK}, p99", against="", goal=Goal(Sense.AT_MOST, 25, "ms"))
ROWS = (MIDDLE, TAIL)

COMMITS_PER_SECOND = 200
PROBES_PER_SECOND = 20
ROUNDS = 3
ROUND_SECONDS_PER_SAMPLE_SECOND = 2.5
"""A tail needs more time than a mean: p99 of ten seconds rests on its twenty slowest."""
WAIT_SECONDS = 30.0
_ORIGIN = Origin(app="bench", command="commit")

_APPLIED = "select count(*) from bench.applied where number >= $1 and number < $2"
_MILLISECONDS = """
select (extract(epoch from pg_xact_commit_timestamp(a.xmin) - pg_xact_commit_timestamp(c.xmin)) * 1000)::float8
  from bench.committed c join bench.applied a using (number)
 where number >= $1 and number < $2
"""


async def measure(lab: Lab) -> list[Result]:
    async with AsyncExitStack() as stack:
        databases = await stack.enter_async_context(lab.postgres(track_commit_timestamp="on"))
        url = await stack.enter_async_context(databases.database(backend.sources))
        settings = Settings(postgres_url=url, slot="latency")
        await prepare_log(url, settings)
        connection, probe = await asyncpg.connect(url), await asyncpg.connect(url)
        stack.push_async_callback(connection.close)
        stack.push_async_callback(probe.close)
        await connection.execute(TABLES)
        folder = stack.enter_context(lab.part("latency"))
        for role in ("relay", "consumer"):
            await stack.enter_async_context(product_child(role, "bench.ours.noting:backend", settings, folder))
        pool = await Pool.open(url, application_name="bench commits")
        stack.push_async_callback(pool.close)
        rounds = _Rounds(connection, probe, Committer(pool, keep=timedelta()))
        return await _measure(lab, rounds)


async def _measure(lab: Lab, rounds: "_Rounds") -> list[Result]:
    commits = max(round(lab.seconds * ROUND_SECONDS_PER_SAMPLE_SECOND * COMMITS_PER_SECOND), 100)
    if not lab.quick:
        await rounds.run(commits)
    samples: dict[str, list[Sample]] = {}
    for _ in range(1 if lab.quick else ROUNDS):
        applied, probed = await rounds.run(commits)
        for sample in (*_samples("applied", applied), *_samples("one bare commit", probed)):
            samples.setdefault(sample.side, []).append(sample)
            lab.show(sample)
    return [
        lab.judge(row, samples[f"applied, {cut}"], samples[f"one bare commit, {cut}"])
        for row, cut in ((MIDDLE, "p50"), (TAIL, "p99"))
    ]


def _samples(side: str, milliseconds: list[float]) -> list[Sample]:
    cuts = statistics.quantiles(milliseconds, n=100, method="inclusive")
    facts = {"most_ms": max(milliseconds), "of": len(milliseconds)}
    return [
        Sample(side=f"{side}, p50", value=cuts[49], unit="ms", facts=facts),
        Sample(side=f"{side}, p99", value=cuts[98], unit="ms", facts=facts),
    ]


class _Rounds:
    """Commits at a steady pace, and beside them now and then a bare commit that is timed."""

    def __init__(self, connection: asyncpg.Connection, probe: asyncpg.Connection, committer: Committer) -> None:
        self._connection = connection
        self._probe_connection = probe
        self._committer = committer
        self._next = 0
        self._probes = itertools.count()

    async def run(self, commits: int) -> tuple[list[float], list[float]]:
        """Milliseconds from each commit to its being applied, and those of the bare commits."""
        first, self._next = self._next, self._next + commits
        probed: list[float] = []

        async def probe(number: int) -> None:
            probed.append(await self._probe())

        await asyncio.gather(
            _at_pace(COMMITS_PER_SECOND, commits, lambda number: self._commit(first + number)),
            _at_pace(PROBES_PER_SECOND, max(commits * PROBES_PER_SECOND // COMMITS_PER_SECOND, 2), probe),
        )
        await self._wait_until_applied(first, commits)
        rows = await self._connection.fetch(_MILLISECONDS, first, first + commits)
        return [row[0] for row in rows], probed

    async def _commit(self, number: int) -> None:
        async with self._committer.transaction(_ORIGIN) as tx:
            await tx.run("insert into bench.committed (number) values ($1)", number)
            tx.emit(Committed(number=number))

    async def _probe(self) -> float:
        begun = time.perf_counter()
        await self._probe_connection.execute("insert into bench.probe (number) values ($1)", next(self._probes))
        return (time.perf_counter() - begun) * 1000

    async def _wait_until_applied(self, first: int, commits: int) -> None:
        async with asyncio.timeout(WAIT_SECONDS):
            while await self._connection.fetchval(_APPLIED, first, first + commits) < commits:  # noqa: ASYNC110 - it polls
                await asyncio.sleep(0.05)


async def _at_pace(per_second: float, count: int, begin: Callable[[int], Awaitable[None]]) -> None:
    """Begin one after the other at their times, whether or not those before are through."""
    begun, tasks = time.perf_counter(), list[asyncio.Future[None]]()
    for number in range(count):
        await asyncio.sleep(max(begun + number / per_second - time.perf_counter(), 0))
        tasks.append(asyncio.ensure_future(begin(number)))
    await asyncio.gather(*tasks)
