"""The time in which PostgreSQL cannot be reached: who may try, and how long the others should wait.

No I/O. One attempt is let through per pause; pauses are those of a `Backoff`, so that many processes do not knock
at once when the server comes back.
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
    """PostgreSQL accepts connections again, after so many seconds."""

    level: ClassVar[Level] = "warning"
    application_name: str
    seconds: float


class Outage:
    """Begins with the first failed attempt to connect and ends with the first that succeeds."""

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
    def lasts(self) -> bool:
        return self._since is not None

    def refuse_or_admit(self) -> None:
        """Admit the caller's attempt; raises `Unavailable` with the time to wait if the next one is not due yet."""
        if self._since is None:
            return
        now = self._monotonic()
        if now < self._next_attempt:
            raise unavailable(self._cause, retry_after=self._next_attempt - now)
        self._next_attempt = now + RECONNECT.ceiling(
            self._failures
        )  # until this attempt has an outcome, nobody else makes one

    def note_failure(self, cause: str) -> None:
        """An attempt failed: the outage begins, or goes on with a longer pause."""
        now = self._monotonic()
        self._cause = cause
        if self._since is None:
            self._since, self._failures = now, 0
            report(DatabaseLost(application_name=self._application_name, cause=cause))
        self._failures += 1
        self._next_attempt = now + RECONNECT.delay(self._failures, self._pick)

    def note_success(self) -> None:
        """An attempt succeeded: the outage, if there was one, is over."""
        if self._since is not None:
            seconds = self._monotonic() - self._since
            self._since = None
            report(DatabaseBack(application_name=self._application_name, seconds=seconds))
