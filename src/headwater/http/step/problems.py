"""Which exception becomes which problem. What nobody declares is a fault of ours: 500, and its trace in the log."""

from collections.abc import Callable, Iterable
from math import ceil
from typing import Any

from headwater.http.message.problem import Problem
from headwater.part import Declaration


class Problems(Declaration, frozen=True):
    """An exception of the class `error` is what `problem` makes of it to a client; None for an unexpected one."""

    error: type[Exception]
    problem: Callable[[Any], Problem | None]


class Translation:
    """Translates exceptions as the parts of a backend declare; for the nearest class, and of two the later."""

    def __init__(self, declared: Iterable[Problems]) -> None:
        self._known: dict[type[BaseException], Callable[[Any], Problem | None]] = {
            each.error: each.problem for each in declared
        }

    def problem_of(self, error: Exception) -> Problem | None:
        """The problem that `error` is to a client, or None if it is unexpected."""
        if isinstance(error, Problem):
            return error
        for kind in type(error).__mro__:
            if kind in self._known:
                return self._known[kind](error)
        return None


def retry_after(seconds: float) -> dict[str, str]:
    """The Retry-After header, in whole seconds and at least one."""
    return {"Retry-After": str(max(1, ceil(seconds)))}
