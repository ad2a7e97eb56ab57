"""The root of every error that Headwater raises.

An error's docstring is its message, filled with the facts that the error carries as attributes, so that what a
person reads and what a program inspects never differ::

    class SlotLost(LogError):
        "The replication slot {slot!r} is gone; it was at {lsn}."

    raise SlotLost(slot="headwater", lsn="0/16B3748")

Each package of concern derives one root of its own from `HeadwaterError` (`DbError`, `LogError`, …).
"""

import inspect
from typing import Any


class HeadwaterError(Exception):
    """Headwater could not do what was asked."""

    def __init__(self, **facts: Any) -> None:
        self.facts = facts
        template = inspect.cleandoc(type(self).__doc__ or type(self).__name__)
        super().__init__(template.format_map(facts))

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["facts"][name]
        except KeyError:
            raise AttributeError(name) from None

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.facts)


def _rebuild(cls: type[HeadwaterError], facts: dict[str, Any]) -> HeadwaterError:
    return cls(**facts)
