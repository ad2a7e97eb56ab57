"""Memory of the relay while it takes in one transaction of a million events."""

from bench.backlog import commit_at_once
from bench.lab import Lab
from bench.ours.drain import Drained
from bench.process import PythonChild
from bench.row import Goal, Result, Row, Sample, Sense
from headwater.db import platform_source
from headwater.settings import Settings
from headwater.wal import prepare_log

MEMORY = Row(
    name="memory",
    work="relay memory, one transaction of 1,000,000 events",
    against="",
    goal=Goal(Sense.AT_MOST, 200, "MB"),
)
ROWS = (MEMORY,)
EVENTS = 1_000_000


async def measure(lab: Lab) -> list[Result]:
    samples = [await _take_in(lab, number) for number in range(1 if lab.quick else 3)]
    return [lab.judge(MEMORY, samples)]


async def _take_in(lab: Lab, number: int) -> Sample:
    settings, events = Settings(slot=f"memory_{number}"), lab.size(EVENTS)
    async with lab.postgres() as databases, databases.database([platform_source()]) as url:
        await prepare_log(url, settings)
        await commit_at_once(url, events)
        async with PythonChild("bench.ours.drain", url, settings.slot, str(events)) as child:
            drained = await child.said(Drained)
    facts = {"idle_MB": drained.idle_mb, "seconds": drained.seconds, "events_per_s": events / drained.seconds}
    sample = Sample(side="relay, peak of resident memory", value=drained.peak_mb, unit="MB", facts=facts)
    lab.show(sample)
    return sample
