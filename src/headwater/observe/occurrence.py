"""An occurrence is one frozen fact about the running system, told to whoever listens.

The code that does the work says only *what happened*, as a record of its own type; it knows no logger, no metric
and no tracer. Those subscribe at start-up. With no subscriber a report costs one empty loop.
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Literal

import msgspec

Level = Literal["debug", "info", "warning", "error"]


class Occurrence(msgspec.Struct, frozen=True, kw_only=True):
    """Base of everything that can be reported; the class name is the event's name in the logs."""

    level: ClassVar[Level] = "info"
    """How loud: a warning mends itself or is being mended, an error wants a person."""


_listeners: list[Callable[[Any], None]] = []


def report(occurrence: Occurrence) -> None:
    """Tell every listener, in the order of their subscription, before returning."""
    for listener in _listeners:
        listener(occurrence)


def subscribe(listener: Callable[[Any], None]) -> Callable[[], None]:
    """Call `listener` with every occurrence from now on; returns what ends it."""
    _listeners.append(listener)
    return lambda: _listeners.remove(listener)


def listen(handlers: Mapping[type[Occurrence], Callable[[Any], None]]) -> Callable[[], None]:
    """Call the handler of an occurrence's very type, if it has one, from now on; returns what ends it."""

    def hand_on(occurrence: Occurrence) -> None:
        handler = handlers.get(type(occurrence))
        if handler is not None:
            handler(occurrence)

    return subscribe(hand_on)
