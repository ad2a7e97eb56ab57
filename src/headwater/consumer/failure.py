"""Whose fault a failure is, and how it is told.

A handler that raises has failed its event, which is tried again and then parked. PostgreSQL gone, out of space or
restarting is nobody's event: the transaction is tried again for as long as it takes. In between stands what was lost
against a concurrent transaction: worth some more tries, until it is taken for the event's own failure after all.
"""

import hashlib
import traceback
from enum import Enum
from types import TracebackType
from typing import Final

from headwater.backoff import Backoff
from headwater.consumer.throttle import Throttle
from headwater.db import (
    FOREIGN,
    Connection,
    Contention,
    DbError,
    Pool,
    ReadOnly,
    SchemaChanged,
    StatementTimeout,
    Unavailable,
    translate,
)

CAUSE_CHARACTERS: Final = 4000
KEY_BYTES: Final = 1000
"""PostgreSQL's indexes take keys of up to about 2700 bytes."""

_CONTENTION: Final = Backoff(first=0.02, most=0.5)
_FRAMES_SHOWN: Final = 6
_OURS: Final = ("headwater.consumer.", "headwater.db.")


class FailureKind(Enum):
    """Whom a failure is counted against."""

    EVENT = "event"
    CONTENTION = "contention"
    DATABASE = "database"


class Interrupted(Exception):
    """A transaction was lost, and not through its events; a fact for the lane, never seen outside.

    `pause` is how many seconds to wait before the next; None if PostgreSQL itself seems to be the matter, and nothing
    that is remembered can be relied on. `spoilt`: the connection is in no known state.
    """

    def __init__(self, error: BaseException, pause: float | None, *, spoilt: bool) -> None:
        super().__init__(error, pause)
        self.error = error
        self.pause = pause
        self.spoilt = spoilt


class FailureClassifier:
    """Weighs the failures of one lane."""

    __slots__ = ("_contentions", "_pool", "_throttle", "_tries")

    def __init__(self, pool: Pool, throttle: Throttle, tries: int) -> None:
        self._pool = pool
        self._throttle = throttle
        self._tries = tries
        self._contentions = 0

    async def weigh(self, error: Exception, connection: Connection, *, alone: bool) -> None:
        """Roll back, and return if the failure counts against the event; raises `Interrupted` if it does not.

        `alone`: the transaction was about one event only, so there is no shorter one to try.
        """
        self._pool.note(error)
        kind = judge(error, connection)
        if kind is FailureKind.DATABASE:
            raise Interrupted(error, None, spoilt=True)
        await connection.execute("rollback")
        if kind is FailureKind.EVENT:
            return
        if not isinstance(error, SchemaChanged):
            self._throttle.collide()
        if alone and self._contentions >= self._tries:
            return
        self._contentions += 1
        raise Interrupted(error, _CONTENTION.delay(self._contentions), spoilt=False)

    def settle(self) -> None:
        """A transaction went through."""
        self._contentions = 0
        self._throttle.succeed()


def judge(error: BaseException, connection: Connection) -> FailureKind:
    """Whose fault it is. With the connection gone, nothing that went wrong on it says anything about the event."""
    if connection.is_closed():
        return FailureKind.DATABASE
    ours = translate(error) if isinstance(error, FOREIGN) and not isinstance(error, OSError) else error
    if isinstance(ours, Unavailable | ReadOnly):
        return FailureKind.DATABASE
    if isinstance(ours, Contention | StatementTimeout):
        return FailureKind.CONTENTION
    return FailureKind.EVENT


def is_passing(error: BaseException) -> bool:
    """Whether a failure outside any handler will pass: PostgreSQL away, a lock not had, a statement stopped."""
    return isinstance(error, (DbError, *FOREIGN))


def cause_of(error: BaseException) -> str:
    """The failure in a few lines for a person: type, message, and where in the handler's code."""
    lines = [f"{type(error).__name__}: {error}".rstrip(": "), *getattr(error, "__notes__", ())]
    frames = [place for module, place in _frames(error.__traceback__) if not module.startswith(_OURS)]
    lines += [f"  {place}" for place in frames[-_FRAMES_SHOWN:]]
    if error.__cause__ is not None:
        lines.append(f"because of {type(error.__cause__).__name__}: {error.__cause__}")
    return _storable("\n".join(lines))[:CAUSE_CHARACTERS]


def storable_key(key: str) -> str:
    """The key as the tables of what is set aside hold it: itself, unless it is longer than an index can take."""
    if len(key) * 4 <= KEY_BYTES or len(key.encode()) <= KEY_BYTES:
        return key
    return f"{key[:100]}… (SHA-256 {hashlib.sha256(key.encode()).hexdigest()})"


def _storable(text: str) -> str:
    """The text as PostgreSQL can hold it, which knows no NUL and no lone surrogates."""
    return text.replace("\0", "\N{SYMBOL FOR NULL}").encode("utf-8", "replace").decode()


def _frames(at: TracebackType | None) -> list[tuple[str, str]]:
    return [
        (frame.f_globals.get("__name__", ""), f"{frame.f_code.co_filename}:{line} in {frame.f_code.co_qualname}")
        for frame, line in traceback.walk_tb(at)
    ]
