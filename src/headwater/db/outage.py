"""The time in which PostgreSQL cannot be reached: who may try, and how long the others should wait.

No I/O. One attempt is let through per pause; pauses double up to a limit and are jittered, so that many processes
do not knock at once when the server comes back.
"""

import random
import time
from collections.abc import Callable
from typing import ClassVar

from headwater.db.translate import unavailable
from headwater.observe import Level, Occurrence, report

_FIRST_PAUSE_SECONDS = 0.05
_LONGEST_PAUSE_SECONDS = 2.0


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

    def __init__(self, application_name: str, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._application_name = application_name
        self._monotonic = monotonic
        self._since: float | None = None
        self._pause = _FIRST_PAUSE_SECONDS
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
        self._next_attempt = now + self._pause  # until this attempt has an outcome, nobody else makes one

    def note_failure(self, cause: str) -> None:
        """An attempt failed: the outage begins, or goes on with a longer pause."""
        now = self._monotonic()
        self._cause = cause
        if self._since is None:
            self._since, self._pause = now, _FIRST_PAUSE_SECONDS
            report(DatabaseLost(application_name=self._application_name, cause=cause))
        else:
            self._pause = min(2 * self._pause, _LONGEST_PAUSE_SECONDS)
        self._next_attempt = now + self._pause * random.uniform(0.5, 1.0)

    def note_success(self) -> None:
        """An attempt succeeded: the outage, if there was one, is over."""
        if self._since is not None:
            seconds = self._monotonic() - self._since
            self._since = None
            report(DatabaseBack(application_name=self._application_name, seconds=seconds))
