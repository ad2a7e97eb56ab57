"""An `on` consumer that catches up with a backlog, one upsert per event, against the same upserts by bare asyncpg."""

import asyncpg

from bench.lab import Lab
from bench.ours.apply import Applied
from bench.ours.drain import Drained
from bench.process import PythonChild
from bench.row import RATIO, Goal, Result, Row, Sample, Sense
from bench.tally import TABLE, commit_events, take_tally
from headwater.db import platform_source
from headwater.settings import Settings
from headwater.wal import prepare_log

CONSUMER = Row(
    name="consumer",
    work="`on` consumer, one upsert per event",
    against="the same upserts in transactions of 500 by bare asyncpg, one connection",
    goal=Goal(Sense.AT_LEAST, 0.70, RATIO),
    tried="A single connection waits for a wake-up after every statement, which is 80 µs where cores fall asleep and "
    "20 µs where something else keeps them awake, so this ratio says as much of the machine; the next row is steadier.",
)
CONSUMER_SIDE_BY_SIDE = Row(
    name="consumer-3",
    work="the same",
    against="the same over three connections, as many as the consumer uses",
    goal=Goal(Sense.AT_LEAST, 0.70, RATIO),
)
ROWS = (CONSUMER, CONSUMER_SIDE_BY_SIDE)
EVENTS = 40_000

OURS, ONE, THREE = "`on` consumer", "asyncpg, 1 connection", "asyncpg, 3 connections"


class Miscounted(Exception):
    """A side did not apply exactly what there was to apply."""


async def measure(lab: Lab) -> list[Result]:
    async with lab.postgres() as databases, databases.database([platform_source()]) as url:
        rounds = _Rounds(url, lab.size(EVENTS))
        await rounds.prepare()
        samples = await lab.run({OURS: rounds.ours, ONE: rounds.one, THREE: rounds.three})
    return [
        lab.compare(CONSUMER, samples[OURS], samples[ONE]),
        lab.compare(CONSUMER_SIDE_BY_SIDE, samples[OURS], samples[THREE]),
    ]


class _Rounds:
    """One backlog in the log, applied again and again, each time by a consumer of a new name."""

    def __init__(self, url: str, events: int) -> None:
        self._url = url
        self._events = events
        self._consumers = 0

    async def prepare(self) -> None:
        settings = Settings(slot="consumer")
        await prepare_log(self._url, settings)
        connection = await asyncpg.connect(self._url)
        await connection.execute(TABLE)
        await connection.close()
        await commit_events(self._url, self._events)
        async with PythonChild("bench.ours.drain", self._url, settings.slot, str(self._events)) as child:
            await child.said(Drained)

    async def ours(self) -> Sample:
        self._consumers += 1
        return await self._time(OURS, "bench.ours.apply", f"bench.count_{self._consumers}", str(self._events))

    async def one(self) -> Sample:
        return await self._time(ONE, "bench.peers.upserts", str(self._events), "1")

    async def three(self) -> Sample:
        return await self._time(THREE, "bench.peers.upserts", str(self._events), "3")

    async def _time(self, side: str, module: str, *arguments: str) -> Sample:
        async with PythonChild(module, self._url, *arguments) as child:
            applied = await child.said(Applied)
        counted = await take_tally(self._url)
        if counted != self._events:
            raise Miscounted(f"{side} applied {counted} events of {self._events}")
        facts = {"cpu_us": applied.cpu_seconds / self._events * 1e6, "transactions": applied.transactions}
        return Sample(side=side, value=self._events / applied.seconds, unit="events/s", facts=facts)
