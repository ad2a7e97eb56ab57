"""Import time: a fresh process that imports every public name of headwater, and beside it one that imports nothing."""

import sys
from collections.abc import Awaitable, Callable

from bench.lab import Lab
from bench.process import run_command
from bench.row import Goal, Result, Row, Sample, Sense

IMPORT = Row(
    name="importing",
    work="import every public name of headwater in a fresh process, from its start to its end",
    against="",
    goal=Goal(Sense.AT_MOST, 0.35, "s"),
)
ROWS = (IMPORT,)

OURS, BARE = "all public names", "python alone"
_PROGRAM = "from headwater import *"


async def measure(lab: Lab) -> list[Result]:
    samples = await lab.run({OURS: _timing(OURS, _PROGRAM, traced=True), BARE: _timing(BARE, "pass")})
    return [lab.judge(IMPORT, samples[OURS], samples[BARE])]


def _timing(side: str, program: str, *, traced: bool = False) -> Callable[[], Awaitable[Sample]]:
    async def run() -> Sample:
        ran = await run_command([sys.executable, "-c", program])
        facts = {"importtime_s": await _importtime(program)} if traced else {}
        return Sample(side=side, value=ran.seconds, unit="s", facts={"cpu_s": ran.cpu_seconds, **facts})

    return run


async def _importtime(program: str) -> float:
    """Seconds in imports as ``-X importtime`` sees them, which includes its own cost: the sum of every module's own."""
    ran = await run_command([sys.executable, "-X", "importtime", "-c", program])
    own = [line.split("|")[0].removeprefix("import time:") for line in ran.output.decode().splitlines()]
    return sum(int(text) for text in own if text.strip().isdigit()) / 1e6
