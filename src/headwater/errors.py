"""The root of every error that Headwater raises.

An error's docstring is its message, formatted with the facts that the error carries as attributes, so that the text
and the attributes never differ::

    class SlotLost(LogError):
        "The replication slot {slot!r} is gone; it was at {lsn}."

    raise SlotLost(slot="headwater", lsn="0/16B3748")

Each package derives a root of its own from `HeadwaterError` (`DbError`, `LogError`, …).
"""

import inspect
from typing import Any


class HeadwaterError(Exception):
    """The operation failed."""

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
