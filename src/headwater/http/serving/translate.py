"""Which exception becomes which problem. What is not named here is a fault of ours: 500, and its trace in the log."""

from functools import singledispatch
from math import ceil
from typing import Final

from headwater.commit import KeyInFlight, KeyReused, OutcomeUnknown
from headwater.db import (
    CheckFailed,
    Conflict,
    Contention,
    NoRow,
    QueryFailed,
    ReferenceMissing,
    StatementTimeout,
    StillReferenced,
    Unavailable,
)
from headwater.http.message import problemtype as kind
from headwater.http.message.problem import Problem
from headwater.objects import NoObject, StoreFull, StoreUnavailable, UploadExpired

_RETRY_SECONDS: Final = 1.0
_STORAGE_RETRY_SECONDS: Final = 5.0
_UNSTORABLE: Final = frozenset({"22001", "22003", "22008", "22021", "22P05"})
"""SQLSTATEs of values that came from outside: too long, out of range, a date or a character that cannot be."""


@singledispatch
def problem_of(error: Exception) -> Problem | None:
    """The problem that `error` is to a client, or None if it is unexpected."""
    return None


@problem_of.register
def _(error: Problem) -> Problem:
    return error


@problem_of.register
def _(error: NoRow) -> Problem:
    return Problem(404, detail="There is no such resource.")


@problem_of.register
def _(error: Conflict) -> Problem:
    return kind.CONFLICT.problem("The request conflicts with what is already stored.")


@problem_of.register
def _(error: StillReferenced) -> Problem:
    return kind.STILL_REFERENCED.problem("Other resources still refer to this one.")


@problem_of.register
def _(error: ReferenceMissing) -> Problem:
    return kind.REFERENCE_MISSING.problem("The request refers to a resource that does not exist.")


@problem_of.register
def _(error: CheckFailed) -> Problem:
    return kind.RULE_BROKEN.problem("The values contradict a rule of what is stored.")


@problem_of.register
def _(error: QueryFailed) -> Problem | None:
    if error.sqlstate in _UNSTORABLE:
        return kind.VALUE_UNSTORABLE.problem("A value in the request is out of range or too long.")
    return None


@problem_of.register
def _(error: Contention) -> Problem:
    return kind.CONTENTION.problem(
        "The request lost against concurrent ones; nothing was done.", _retry(_RETRY_SECONDS)
    )


@problem_of.register
def _(error: StatementTimeout) -> Problem:
    return Problem(504, detail="The database took too long; nothing was done.")


@problem_of.register
def _(error: TimeoutError) -> Problem:
    return Problem(504, detail="It took too long.")


@problem_of.register
def _(error: Unavailable) -> Problem:
    return kind.DATABASE_UNAVAILABLE.problem("The database is not available.", _retry(error.retry_after))


@problem_of.register
def _(error: KeyReused) -> Problem:
    return kind.KEY_REUSED.problem("This key was used before, for a request with other content.")


@problem_of.register
def _(error: KeyInFlight) -> Problem:
    return kind.KEY_IN_FLIGHT.problem("The first request with this key has not ended yet.", _retry(error.retry_after))


@problem_of.register
def _(error: OutcomeUnknown) -> Problem:
    return kind.OUTCOME_UNKNOWN.problem(
        "The connection broke while committing, so whether it took effect is unknown.", _retry(_RETRY_SECONDS)
    )


@problem_of.register
def _(error: NoObject) -> Problem:
    return Problem(404, detail="There is no such file.")


@problem_of.register
def _(error: UploadExpired) -> Problem:
    return kind.UPLOAD_EXPIRED.problem("The upload came to its commit too late, and is gone.")


@problem_of.register
def _(error: StoreUnavailable) -> Problem:
    return kind.STORAGE_UNAVAILABLE.problem("The object storage is not available.", _retry(_STORAGE_RETRY_SECONDS))


@problem_of.register
def _(error: StoreFull) -> Problem:
    return kind.STORAGE_FULL.problem("The object storage has no room for this.")


def _retry(seconds: float) -> dict[str, str]:
    return {"Retry-After": str(max(1, ceil(seconds)))}
