"""Time and time-ordered identifiers, passed in so that tests can jump.

What waits for a time to come asks a `Clock`: a key that is retried in an hour, a stored response that expires, a
restart after a pause. What measures the real world does not: a timeout, a socket's patience, how long something took,
the pause before something outside is looked at again. A test that jumps a week must not time out what is under way.

The platform's parts are given their clock. Handlers, which are given none, call `now` and `uuid7`: these follow the
clock of the context in which they run, and that is the machine's unless a test says otherwise.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Final, Protocol
from uuid import UUID, SafeUUID

import uuid_utils


class Timer(Protocol):
    """A call that is still to come."""

    def cancel(self) -> None:
        """Do not call; nothing if it has been called already."""
        ...


class Clock(Protocol):
    """What the platform asks of time."""

    def now(self) -> datetime:
        """The wall clock, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back; only differences mean anything."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after so many seconds of this clock."""
        ...

    def call_later(self, seconds: float, callback: Callable[..., object], *args: Any) -> Timer:
        """Call back in the running event loop after so many seconds of this clock."""
        ...

    def uuid7(self) -> UUID:
        """As the function `uuid7`, by this clock."""
        ...


_new: Final = object.__new__
_set_int: Final = vars(UUID)["int"].__set__
_set_is_safe: Final = vars(UUID)["is_safe"].__set__


def _uuid7() -> UUID:
    # `UUID(int=…)` checks what cannot be wrong here, and takes twice as long for it.
    made = _new(UUID)
    _set_int(made, uuid_utils.uuid7().int)
    _set_is_safe(made, SafeUUID.unknown)
    return made


class SystemClock:
    """The machine's own clock."""

    monotonic = staticmethod(time.monotonic)
    uuid7 = staticmethod(_uuid7)

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def call_later(self, seconds: float, callback: Callable[..., object], *args: Any) -> Timer:
        return asyncio.get_running_loop().call_later(seconds, callback, *args)


_clock: Final[ContextVar[Clock]] = ContextVar("headwater clock", default=SystemClock())  # noqa: B039 - it has no state


def now() -> datetime:
    """The time in UTC. In a test it is that of the test's clock, which can jump."""
    return _clock.get().now()


def uuid7() -> UUID:
    """A new UUIDv7: unique, and sorted by its millisecond of creation (RFC 9562 section 5.7).

    In a test the millisecond is that of the test's clock.
    """
    return _clock.get().uuid7()


@contextmanager
def follow(clock: Clock) -> Iterator[None]:
    """`now` and `uuid7` follow this clock, here and in the tasks that begin here."""
    token = _clock.set(clock)
    try:
        yield
    finally:
        _clock.reset(token)
