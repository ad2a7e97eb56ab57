"""Whose fault a failure is, and how it is told.

A handler that raises has failed its event, which is tried again and then parked. PostgreSQL gone, out of space or
restarting is nobody's event: the transaction is tried again for as long as it takes. In between stands what was lost
against a concurrent transaction: worth some more tries, until it is taken for the event's own failure after all.
"""

import traceback
from enum import Enum
from types import TracebackType
from typing import Final

from headwater.db import Contention, DbError, ReadOnly, StatementTimeout, Unavailable
from headwater.db.connection import Connection
from headwater.db.translate import FOREIGN, translate

CAUSE_CHARACTERS: Final = 4000
_FRAMES_SHOWN: Final = 6
_OURS: Final = "headwater.consumer."


class Fault(Enum):
    """Whom a failure is counted against."""

    EVENT = "event"
    CONTENTION = "contention"
    DATABASE = "database"


def judge(error: BaseException, connection: Connection) -> Fault:
    """Whose fault it is. With the connection gone, nothing that went wrong on it says anything about the event."""
    if connection.is_closed():
        return Fault.DATABASE
    ours = translate(error) if isinstance(error, FOREIGN) and not isinstance(error, OSError) else error
    if isinstance(ours, Unavailable | ReadOnly):
        return Fault.DATABASE
    if isinstance(ours, Contention | StatementTimeout):
        return Fault.CONTENTION
    return Fault.EVENT


def is_lost(error: BaseException) -> bool:
    """Whether a failure outside any handler is one that passes: PostgreSQL away, a lock not had, a statement stopped."""
    ours = translate(error) if isinstance(error, FOREIGN) else error
    return isinstance(ours, DbError)


def cause_of(error: BaseException) -> str:
    """The failure in a few lines for a person: type, message, and where in the handler's code."""
    lines = [f"{type(error).__name__}: {error}".rstrip(": "), *getattr(error, "__notes__", ())]
    frames = [frame for frame in _frames(error.__traceback__) if not frame[0].startswith(_OURS)]
    lines += [f"  {place}" for _, place in frames[-_FRAMES_SHOWN:]]
    if error.__cause__ is not None:
        lines.append(f"because of {type(error.__cause__).__name__}: {error.__cause__}")
    return storable("\n".join(lines))[:CAUSE_CHARACTERS]


def storable(text: str) -> str:
    """The text as PostgreSQL can hold it, which knows no NUL and no lone surrogates."""
    return text.replace("\0", "\N{SYMBOL FOR NULL}").encode("utf-8", "replace").decode()


def _frames(at: TracebackType | None) -> list[tuple[str, str]]:
    return [
        (frame.f_globals.get("__name__", ""), f"{frame.f_code.co_filename}:{line} in {frame.f_code.co_qualname}")
        for frame, line in traceback.walk_tb(at)
    ]
