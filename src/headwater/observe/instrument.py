"""Instruments: counters, gauges and histograms. Each has its values in the sheet of its process.

Counting is meant for hot paths: an instrument is an index, and counting is one addition to a memory-mapped array of
doubles. Code that counts many things at once may keep the indexes and add by itself.
"""

import math
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from typing import Generic, TypeVar

from headwater.observe.errors import LabelsMismatch


class Counter:
    """A total that only grows. It survives its process: the next one with the same folder continues it."""

    __slots__ = ("_values", "index")

    def __init__(self, values: "memoryview[float]", index: int) -> None:
        self._values = values
        self.index = index

    def add(self, amount: float = 1) -> None:
        """Count one more, or `amount`."""
        self._values[self.index] += amount


class Gauge:
    """A value that goes up and down; those of several processes are added. It ends with its process."""

    __slots__ = ("_values", "index")

    def __init__(self, values: "memoryview[float]", index: int) -> None:
        self._values = values
        self.index = index

    def set(self, value: float) -> None:
        """Set the value."""
        self._values[self.index] = value

    def add(self, amount: float) -> None:
        """Change the value by `amount`. The gauge must not be cleared."""
        self._values[self.index] += amount

    def clear(self) -> None:
        """Expose nothing until the next `set`. An unknown value is absent, not 0."""
        self._values[self.index] = math.nan


class Histogram:
    """How observations are distributed: ``len(bounds) + 2`` values from `index` on.

    They count the observations up to each bound and those above all; the last value is the sum of the observations.
    """

    __slots__ = ("_bounds", "_sum", "_values", "index")

    def __init__(self, values: "memoryview[float]", index: int, bounds: Sequence[float]) -> None:
        self._values = values
        self._bounds = bounds
        self._sum = index + len(bounds) + 1
        self.index = index

    def observe(self, value: float) -> None:
        """Add one observation."""
        self._values[self.index + bisect_left(self._bounds, value)] += 1
        self._values[self._sum] += value


Instrument = TypeVar("Instrument", bound=Counter | Gauge | Histogram)


class Family(Generic[Instrument]):
    """The instruments of one name, one for each combination of label values, made when it is first asked for.

    A label with an empty value is left out, as Prometheus reads it.
    """

    __slots__ = ("_made", "_make", "labels", "name")

    def __init__(self, name: str, labels: tuple[str, ...], make: Callable[[Mapping[str, str]], Instrument]) -> None:
        self.name = name
        self.labels = labels
        self._make = make
        self._made: dict[tuple[str, ...], Instrument] = {}

    def of(self, *values: str) -> Instrument:
        """The instrument with these label values, in the order of `labels`. Raises `LabelsMismatch`, `SheetFull`.

        Use few different values: each combination is a series that is kept for good.
        """
        made = self._made.get(values)
        if made is None:
            if len(values) != len(self.labels):
                raise LabelsMismatch(name=self.name, labels=", ".join(self.labels), count=len(values))
            given = {label: value for label, value in zip(self.labels, values, strict=True) if value}
            made = self._made[values] = self._make(given)
        return made

    def all(self) -> Mapping[tuple[str, ...], Instrument]:
        """Those made so far, by their label values."""
        return self._made


def show(family: Family[Gauge], values: Mapping[tuple[str, ...], float]) -> None:
    """Set the gauges of a family to these values, by label values, and clear all others."""
    for labels, value in values.items():
        family.of(*labels).set(value)
    for labels, gauge in family.all().items():
        if labels not in values:
            gauge.clear()
