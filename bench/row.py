"""A row of the table: what is measured against what, and how samples become a verdict.

Nothing in here measures, waits or writes. A row is a promise with a goal; a sample is one timed run of one side; a
result is what a row's samples come to. Ratios are taken pair by pair, of runs that stood next to each other in time,
so that whatever slows the machine for a while slows both.
"""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from enum import Enum

import msgspec

from bench.machine import Machine

SHORT_OF_GOAL = 0.1
"""A median that misses its goal by no more than this share of it is short; one further away has missed."""

RATIO = "\N{MULTIPLICATION SIGN}"


class Sense(Enum):
    """Which side of the bound is the good one."""

    AT_LEAST = "≥"
    AT_MOST = "≤"


class Verdict(Enum):
    MET = "met"
    SHORT = "short"
    MISSED = "missed"


class Goal(msgspec.Struct, frozen=True):
    """``Goal(Sense.AT_LEAST, 0.85, RATIO)``."""

    sense: Sense
    bound: float
    unit: str

    def __str__(self) -> str:
        return f"{self.sense.value} {self.bound:g} {self.unit}"

    def judge(self, value: float) -> Verdict:
        """What a measured value means."""
        missing = (self.bound - value if self.sense is Sense.AT_LEAST else value - self.bound) / self.bound
        if missing <= 0:
            return Verdict.MET
        return Verdict.SHORT if missing <= SHORT_OF_GOAL else Verdict.MISSED


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """What is promised. `against` is empty where the goal is an absolute one."""

    name: str
    work: str
    against: str
    goal: Goal
    tried: str = ""
    """What has been tried to reach the goal, and what to know of the comparison; for the reader of the table."""


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One timed run of one side: `value` in `unit`, and what else was seen, with the unit in each name."""

    side: str
    value: float
    unit: str
    facts: Mapping[str, float] = {}


class Spread(msgspec.Struct, frozen=True):
    """The least, the median and the most of some values."""

    least: float
    median: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Raises `ValueError` without any."""
        if not values:
            raise ValueError("a spread needs a value")
        return cls(min(values), statistics.median(values), max(values))


class Figures(msgspec.Struct, frozen=True):
    """What one side of a comparison did, in absolute terms: a spread, and the median of each further fact."""

    side: str
    unit: str
    spread: Spread
    facts: Mapping[str, float]

    @classmethod
    def of(cls, samples: Sequence[Sample]) -> "Figures":
        first = samples[0]
        facts = {name: statistics.median(sample.facts[name] for sample in samples) for name in first.facts}
        return cls(first.side, first.unit, Spread.of([sample.value for sample in samples]), facts)


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What a row came to in one run."""

    row: Row
    measured: Spread
    verdict: Verdict
    sides: Sequence[Figures]
    runs: int
    machine: Machine
    at: datetime
    load: str | None = None
    """The client that made the requests, where there were requests."""


def order_of(sides: Sequence[str], pairs: int) -> Iterator[str]:
    """The sides in the order of their runs: A B B A A B …, so that a machine that grows slower favours none."""
    for pair in range(pairs):
        yield from sides if pair % 2 == 0 else reversed(sides)


def ratios(ours: Sequence[Sample], theirs: Sequence[Sample]) -> list[float]:
    """Pair by pair, how many times theirs is ours; raises `ValueError` unless both have as many samples."""
    return [mine.value / other.value for mine, other in zip(ours, theirs, strict=True)]


def compare(
    row: Row,
    ours: Sequence[Sample],
    theirs: Sequence[Sample],
    *,
    machine: Machine,
    at: datetime,
    load: str | None = None,
) -> Result:
    """The result of a row whose goal is a ratio."""
    spread = Spread.of(ratios(ours, theirs))
    return Result(
        row=row,
        measured=spread,
        verdict=row.goal.judge(spread.median),
        sides=[Figures.of(ours), Figures.of(theirs)],
        runs=len(ours),
        machine=machine,
        at=at,
        load=load,
    )


def judge(
    row: Row, samples: Sequence[Sample], beside: Sequence[Sample] = (), *, machine: Machine, at: datetime
) -> Result:
    """The result of a row whose goal is absolute; `beside` was measured for comparison in the same run."""
    spread = Spread.of([sample.value for sample in samples])
    return Result(
        row=row,
        measured=spread,
        verdict=row.goal.judge(spread.median),
        sides=[Figures.of(each) for each in (samples, beside) if each],
        runs=len(samples),
        machine=machine,
        at=at,
    )
