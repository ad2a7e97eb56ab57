"""Which exception becomes which problem. An undeclared exception is a 500, and its traceback is logged."""

from collections.abc import Callable, Iterable
from math import ceil
from typing import Any

from headwater.http.message.problem import Problem
from headwater.part import Declaration


class Problems(Declaration, frozen=True):
    """An exception of the class `error` becomes the `Problem` that `problem` returns; None means unexpected: 500."""

    error: type[Exception]
    problem: Callable[[Any], Problem | None]


class Translation:
    """Translates exceptions as the parts declare: by the nearest class, and the last declaration of a class wins."""

    def __init__(self, declared: Iterable[Problems]) -> None:
        self._known: dict[type[BaseException], Callable[[Any], Problem | None]] = {
            each.error: each.problem for each in declared
        }

    def problem_of(self, error: Exception) -> Problem | None:
        """The problem for an exception, or None if it is unexpected."""
        if isinstance(error, Problem):
            return error
        for kind in type(error).__mro__:
            if kind in self._known:
                return self._known[kind](error)
        return None


def retry_after(seconds: float) -> dict[str, str]:
    """The Retry-After header, in whole seconds and at least one."""
    return {"Retry-After": str(max(1, ceil(seconds)))}
