"""A clock for tests: it runs like the machine's or stands still, and a test can let it jump ahead.

A jump is like the suspension of a machine: nothing happens in between, and afterwards everything that has become due
happens once, in the order in which it was due.
"""

import asyncio
import secrets
import time
from collections.abc import Callable
from contextvars import copy_context
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

_EARLY_SECONDS: Final = 1e-6
"""Sums of seconds are not exact; a timer is due that is closer than the resolution of `datetime`."""

_RANDOM_BITS: Final = 74
_LOW_BITS: Final = 62


class Clock:
    """A `headwater.clock.Clock` that a test moves.

    It starts at `at`, or at the machine's time, and runs on; if it is `frozen`, it moves only by jumps. Timers and
    sleeps are served by the event loop in which they were started; `jump` may be called from any thread.
    """

    def __init__(self, at: datetime | None = None, *, frozen: bool = False) -> None:
        self._origin = at or datetime.now(UTC)
        self._frozen = frozen
        self._began = time.monotonic()
        self._ahead = timedelta()
        self._timers: dict[_Timer, None] = {}
        self._newest = 0

    def __repr__(self) -> str:
        return f"Clock({self.now().isoformat()}{', frozen' if self._frozen else ''})"

    def jump(
        self,
        by: timedelta = timedelta(),
        *,
        weeks: float = 0,
        days: float = 0,
        hours: float = 0,
        minutes: float = 0,
        seconds: float = 0,
        milliseconds: float = 0,
    ) -> None:
        """Move ahead at once: ``clock.jump(days=7)``. Raises `ValueError` for a jump back."""
        by += timedelta(days, seconds, 0, milliseconds, minutes, hours, weeks)
        if by < timedelta():
            raise ValueError(f"a clock does not go back, so it cannot jump by {by}")
        self._ahead += by
        for timer in sorted(self._timers, key=lambda timer: timer.due):
            timer.look_soon()

    def jump_to(self, moment: datetime) -> None:
        """Move ahead to `moment`; raises `ValueError` if it is in the past."""
        self.jump(moment - self.now())

    @property
    def waits(self) -> list[float]:
        """The seconds until each sleep and each timer is due, in ascending order."""
        now = self.monotonic()
        return sorted(round(timer.due - now, 6) for timer in self._timers)

    def now(self) -> datetime:
        """The time in UTC."""
        return self._origin + self._ahead + timedelta(seconds=self._ran())

    def monotonic(self) -> float:
        """Seconds that never decrease; only differences are meaningful."""
        return self._began + self._ran() + self._ahead.total_seconds()

    async def sleep(self, seconds: float) -> None:
        """Return after so many seconds of this clock."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken = asyncio.Event()
        timer = self.call_later(seconds, woken.set)
        try:
            await woken.wait()
        finally:
            timer.cancel()

    def call_later(self, seconds: float, callback: Callable[..., object], *args: Any) -> "_Timer":
        """Call back in the running event loop after so many seconds of this clock."""
        timer = _Timer(self, self.monotonic() + max(seconds, 0.0), lambda: callback(*args))
        self._timers[timer] = None
        timer.arm()
        return timer

    def uuid7(self) -> UUID:
        """A new UUIDv7 of this clock's millisecond; each is greater than the one before."""
        milliseconds = (self.now() - _EPOCH) // timedelta(milliseconds=1)
        fresh = milliseconds << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS - 1)
        self._newest = max(fresh, self._newest + 1)
        return _as_uuid7(self._newest)

    def _ran(self) -> float:
        """Seconds that passed without jumps."""
        return 0.0 if self._frozen else time.monotonic() - self._began


class _Timer:
    """A call that is due at a monotonic time of its clock."""

    def __init__(self, clock: Clock, due: float, call: Callable[[], object]) -> None:
        self.due = due
        self._clock = clock
        self._call = call
        self._loop = asyncio.get_running_loop()
        self._context = copy_context()
        self._handle: asyncio.TimerHandle | None = None

    def arm(self) -> None:
        """Check again when it is due without a jump; on a frozen clock that is now or never."""
        left = max(self.due - self._clock.monotonic(), 0.0)
        if left == 0.0 or not self._clock._frozen:
            self._handle = self._loop.call_later(left, self._look, context=self._context)

    def look_soon(self) -> None:
        """The clock has jumped."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._look, context=self._context)

    def cancel(self) -> None:
        """Cancel the call."""
        self._clock._timers.pop(self, None)
        if self._handle is not None:
            self._handle.cancel()

    def _look(self) -> None:
        if self not in self._clock._timers:
            return
        if self._handle is not None:
            self._handle.cancel()
        if self.due - self._clock.monotonic() > _EARLY_SECONDS:
            self.arm()
        else:
            self.cancel()
            self._call()


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def _as_uuid7(number: int) -> UUID:
    """Milliseconds and 74 other bits, with version and variant put between them (RFC 9562 section 5.7)."""
    high, low = divmod(number, 1 << _LOW_BITS)
    milliseconds, middle = divmod(high, 1 << 12)
    return UUID(int=milliseconds << 80 | 7 << 76 | middle << 64 | 2 << 62 | low)
