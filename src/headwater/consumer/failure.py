"""Classifies failures: of the event, by contention, or of the database; and describes them.

When a handler raises, its event has failed: it is retried and then parked. When PostgreSQL is unreachable, out of space
or restarting, no event has failed: the transaction is retried without limit. A transaction that lost against a
concurrent one is retried a few times; after that it counts as the failure of its event.
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
    """What a failure counts against."""

    EVENT = "event"
    CONTENTION = "contention"
    DATABASE = "database"


class Interrupted(Exception):
    """A transaction was lost for another reason than its events. The lane handles it; it is never raised to callers.

    `pause` is the number of seconds before the next transaction. None means that PostgreSQL itself failed, so what the
    lane remembers may be wrong. `spoilt`: the state of the connection is unknown.
    """

    def __init__(self, error: BaseException, pause: float | None, *, spoilt: bool) -> None:
        super().__init__(error, pause)
        self.error = error
        self.pause = pause
        self.spoilt = spoilt


class FailureClassifier:
    """Classifies the failures of one lane."""

    __slots__ = ("_contentions", "_pool", "_throttle", "_tries")

    def __init__(self, pool: Pool, throttle: Throttle, tries: int) -> None:
        self._pool = pool
        self._throttle = throttle
        self._tries = tries
        self._contentions = 0

    async def weigh(self, error: Exception, connection: Connection, *, alone: bool) -> None:
        """Roll back, and return if the failure counts against the event; raises `Interrupted` if it does not.

        `alone`: the transaction had one event only, so it cannot be made shorter.
        """
        self._pool.note(error)
        kind = classify(error, connection)
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
        """A transaction was committed."""
        self._contentions = 0
        self._throttle.succeed()


def classify(error: BaseException, connection: Connection) -> FailureKind:
    """Classify a failure. Once the connection is closed, an error on it says nothing about the event."""
    if connection.is_closed():
        return FailureKind.DATABASE
    ours = translate(error) if isinstance(error, FOREIGN) and not isinstance(error, OSError) else error
    if isinstance(ours, Unavailable | ReadOnly):
        return FailureKind.DATABASE
    if isinstance(ours, Contention | StatementTimeout):
        return FailureKind.CONTENTION
    return FailureKind.EVENT


def is_passing(error: BaseException) -> bool:
    """Whether a failure outside handlers is transient: PostgreSQL unreachable, a lock not acquired, a timeout."""
    return isinstance(error, (DbError, *FOREIGN))


def cause_of(error: BaseException) -> str:
    """The failure in a few lines for people: type, message, and the location in the handler's code."""
    lines = [f"{type(error).__name__}: {error}".rstrip(": "), *getattr(error, "__notes__", ())]
    frames = [location for module, location in _frames(error.__traceback__) if not module.startswith(_OURS)]
    lines += [f"  {location}" for location in frames[-_FRAMES_SHOWN:]]
    if error.__cause__ is not None:
        lines.append(f"because of {type(error.__cause__).__name__}: {error.__cause__}")
    return _storable("\n".join(lines))[:CAUSE_CHARACTERS]


def storable_key(key: str) -> str:
    """The key as it is stored when it is set aside: unchanged, unless it is too long for an index."""
    if len(key) * 4 <= KEY_BYTES or len(key.encode()) <= KEY_BYTES:
        return key
    return f"{key[:100]}… (SHA-256 {hashlib.sha256(key.encode()).hexdigest()})"


def _storable(text: str) -> str:
    """The text as PostgreSQL can store it, without NUL and lone surrogates."""
    return text.replace("\0", "\N{SYMBOL FOR NULL}").encode("utf-8", "replace").decode()


def _frames(at: TracebackType | None) -> list[tuple[str, str]]:
    return [
        (frame.f_globals.get("__name__", ""), f"{frame.f_code.co_filename}:{line} in {frame.f_code.co_qualname}")
        for frame, line in traceback.walk_tb(at)
    ]
