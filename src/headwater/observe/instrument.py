"""Instruments: what a capability counts with. Each is a place in the sheet of its process.

Counting is meant for hot paths: an instrument is a slot number, and counting is one addition to a memory-mapped array
of doubles. Whoever counts many things at once may keep the slot numbers and add by itself.
"""

import math
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from typing import Generic, TypeVar

from headwater.observe.errors import LabelsMismatch


class Counter:
    """A total that only grows. It outlives its process: the next one with the same folder goes on from it."""

    __slots__ = ("_slots", "slot")

    def __init__(self, slots: "memoryview[float]", slot: int) -> None:
        self._slots = slots
        self.slot = slot

    def add(self, amount: float = 1) -> None:
        """Count one more, or `amount`."""
        self._slots[self.slot] += amount


class Gauge:
    """A value that goes up and down; over processes the values are added. It ends with its process."""

    __slots__ = ("_slots", "slot")

    def __init__(self, slots: "memoryview[float]", slot: int) -> None:
        self._slots = slots
        self.slot = slot

    def set(self, value: float) -> None:
        """Show this value from now on."""
        self._slots[self.slot] = value

    def add(self, amount: float) -> None:
        """Change the value by `amount`; only of a gauge that shows one."""
        self._slots[self.slot] += amount

    def clear(self) -> None:
        """Show nothing until the next `set`: what is not known is absent, and not 0."""
        self._slots[self.slot] = math.nan


class Histogram:
    """How observations are distributed: ``len(bounds) + 2`` slots from `slot` on.

    The slots count observations up to each bound and those above all; the last one is their sum.
    """

    __slots__ = ("_bounds", "_slots", "_sum", "slot")

    def __init__(self, slots: "memoryview[float]", slot: int, bounds: Sequence[float]) -> None:
        self._slots = slots
        self._bounds = bounds
        self._sum = slot + len(bounds) + 1
        self.slot = slot

    def observe(self, value: float) -> None:
        """Add one observation."""
        self._slots[self.slot + bisect_left(self._bounds, value)] += 1
        self._slots[self._sum] += value


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

        Values must be few: each combination is a series that is never forgotten.
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
    """Let the gauges of a family show these values, by label values, and the others nothing."""
    for labels, value in values.items():
        family.of(*labels).set(value)
    for labels, gauge in family.all().items():
        if labels not in values:
            gauge.clear()
