"""A circuit breaker for connecting: while PostgreSQL is unreachable, one attempt is made per pause.

No I/O. Everybody else is refused at once with the time to wait. Pauses are those of a `Backoff`, so that many
processes do not reconnect at the same time when the server is back.
"""

import random
import time
from collections.abc import Callable
from typing import ClassVar, Final

from headwater.backoff import Backoff
from headwater.db.translate import unavailable
from headwater.observe import Level, Occurrence, report

RECONNECT: Final = Backoff(first=0.1, most=2.0)


class DatabaseLost(Occurrence, frozen=True, kw_only=True):
    """PostgreSQL stopped accepting connections."""

    level: ClassVar[Level] = "error"
    application_name: str
    cause: str


class DatabaseBack(Occurrence, frozen=True, kw_only=True):
    """PostgreSQL accepts connections again, after an outage of `seconds`."""

    level: ClassVar[Level] = "warning"
    application_name: str
    seconds: float


class CircuitBreaker:
    """Opens with the first failed attempt to connect, closes with the first successful one."""

    def __init__(
        self,
        application_name: str,
        monotonic: Callable[[], float] = time.monotonic,
        pick: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._application_name = application_name
        self._monotonic = monotonic
        self._pick = pick
        self._since: float | None = None
        self._failures = 0
        self._next_attempt = 0.0
        self._cause = ""

    @property
    def is_open(self) -> bool:
        return self._since is not None

    def admit(self) -> None:
        """Allow the caller an attempt; raises `Unavailable` with the time to wait if the next one is not due yet."""
        if self._since is None:
            return
        now = self._monotonic()
        if now < self._next_attempt:
            raise unavailable(self._cause, retry_after=self._next_attempt - now)
        self._next_attempt = now + RECONNECT.ceiling(
            self._failures
        )  # until this attempt has an outcome, nobody else makes one

    def record_failure(self, cause: str) -> None:
        """An attempt failed: open, or extend the pause."""
        now = self._monotonic()
        self._cause = cause
        if self._since is None:
            self._since, self._failures = now, 0
            report(DatabaseLost(application_name=self._application_name, cause=cause))
        self._failures += 1
        self._next_attempt = now + RECONNECT.delay(self._failures, self._pick)

    def record_success(self) -> None:
        """An attempt succeeded: close."""
        if self._since is not None:
            seconds = self._monotonic() - self._since
            self._since = None
            report(DatabaseBack(application_name=self._application_name, seconds=seconds))
