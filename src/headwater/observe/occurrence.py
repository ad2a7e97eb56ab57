"""An occurrence is one frozen fact about the running system: a log event, passed to every listener.

The code that does the work reports only *what happened*, as a record of its own type. It does not know loggers,
metrics or tracers; those subscribe at the start. Without a subscriber a report costs one empty loop.
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Literal

import msgspec

Level = Literal["debug", "info", "warning", "error"]


class Occurrence(msgspec.Struct, frozen=True, kw_only=True):
    """The base of everything that is reported. The class name is the event's name in the logs."""

    level: ClassVar[Level] = "info"
    """Severity. A warning passes by itself or is being handled; an error needs a person."""


_listeners: list[Callable[[Any], None]] = []


def report(occurrence: Occurrence) -> None:
    """Call every listener, in the order of subscription, before returning."""
    for listener in _listeners:
        listener(occurrence)


def subscribe(listener: Callable[[Any], None]) -> Callable[[], None]:
    """Call `listener` with every occurrence from now on; returns a function that unsubscribes."""
    _listeners.append(listener)
    return lambda: _listeners.remove(listener)


def listen(handlers: Mapping[type[Occurrence], Callable[[Any], None]]) -> Callable[[], None]:
    """Call, from now on, the handler of an occurrence's exact type, if it has one; returns a function that ends it."""

    def dispatch(occurrence: Occurrence) -> None:
        handler = handlers.get(type(occurrence))
        if handler is not None:
            handler(occurrence)

    return subscribe(dispatch)
