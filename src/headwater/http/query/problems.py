"""The problems of database errors."""

from typing import Final

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
from headwater.http.message import problemtype as types
from headwater.http.message.problem import Problem
from headwater.http.step.problems import Problems, retry_after

_RETRY_SECONDS: Final = 1.0
_UNSTORABLE: Final = frozenset({"22001", "22003", "22008", "22021", "22P05"})
"""SQLSTATEs of values from the request: too long, out of range, an invalid date or character."""


def _no_row(error: NoRow) -> Problem:
    return Problem(404, detail="There is no such resource.")


def _conflict(error: Conflict) -> Problem:
    return types.CONFLICT.problem("The request conflicts with stored data.")


def _still_referenced(error: StillReferenced) -> Problem:
    return types.STILL_REFERENCED.problem("Other resources still refer to this one.")


def _reference_missing(error: ReferenceMissing) -> Problem:
    return types.REFERENCE_MISSING.problem("The request refers to a resource that does not exist.")


def _check_failed(error: CheckFailed) -> Problem:
    return types.RULE_BROKEN.problem("The stored data does not allow these values.")


def _query_failed(error: QueryFailed) -> Problem | None:
    if error.sqlstate in _UNSTORABLE:
        return types.VALUE_UNSTORABLE.problem("A value in the request is out of range or too long.")
    return None


def _contention(error: Contention) -> Problem:
    return types.CONTENTION.problem(
        "The request lost a conflict with concurrent requests; nothing was done.", retry_after(_RETRY_SECONDS)
    )


def _statement_timeout(error: StatementTimeout) -> Problem:
    return Problem(504, detail="The database took too long; nothing was done.")


def _timeout_error(error: TimeoutError) -> Problem:
    return Problem(504, detail="The request took too long.")


def _unavailable(error: Unavailable) -> Problem:
    return types.DATABASE_UNAVAILABLE.problem("The database is not available.", retry_after(error.retry_after))


DATABASE_PROBLEMS: Final = (
    Problems(NoRow, _no_row),
    Problems(Conflict, _conflict),
    Problems(StillReferenced, _still_referenced),
    Problems(ReferenceMissing, _reference_missing),
    Problems(CheckFailed, _check_failed),
    Problems(QueryFailed, _query_failed),
    Problems(Contention, _contention),
    Problems(StatementTimeout, _statement_timeout),
    Problems(TimeoutError, _timeout_error),
    Problems(Unavailable, _unavailable),
)
