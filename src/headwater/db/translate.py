"""asyncpg's errors as ours.

Translated are every error that PostgreSQL reports, a connection that broke or could not be opened, and misuse of a
connection. Cancellation and Python's own errors (`TypeError`, …) are not.
"""

from collections.abc import Callable

import asyncpg

from headwater.db.errors import (
    CheckFailed,
    Conflict,
    ConnectionLost,
    Contention,
    DbError,
    LockTimeout,
    QueryFailed,
    ReadOnly,
    ReferenceMissing,
    SchemaChanged,
    SessionBusy,
    StatementTimeout,
    StillReferenced,
    TransactionFailed,
    Unavailable,
)

FOREIGN = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
"""What a statement or a connection attempt can raise, and `translate` accepts."""

RETRY_AFTER_SECONDS = 1.0


def translate(error: BaseException, sql: str | None = None) -> DbError:
    """Our error for one of `FOREIGN`; the statement, without its arguments, is added as a note."""
    ours = _translate(error)
    if sql is not None:
        ours.add_note(f"in: {sql}")
    return ours


def _translate(error: BaseException) -> DbError:
    if isinstance(error, asyncpg.PostgresError):
        return _from_server(error)
    if isinstance(error, asyncpg.InterfaceError):
        return _from_client(error)
    if isinstance(error, asyncpg.InternalClientError):
        return _lost(str(error))  # the protocol is out of step, as after a FATAL that came while nothing was asked
    if isinstance(error, TimeoutError):
        return unavailable("no response in time")
    return _lost(str(error) or type(error).__name__)


def unavailable(reason: str, retry_after: float = RETRY_AFTER_SECONDS) -> Unavailable:
    return Unavailable(reason=reason.rstrip("."), retry_after=retry_after)


def _lost(reason: str) -> ConnectionLost:
    return ConnectionLost(reason=reason.rstrip("."), retry_after=RETRY_AFTER_SECONDS)


def _from_server(error: asyncpg.PostgresError) -> DbError:
    state = error.sqlstate or "XX000"
    build = _BY_STATE.get(state) or _BY_CLASS.get(state[:2]) or _query_failed
    return build(error)


def _from_client(error: Exception) -> DbError:
    text = str(error)
    if isinstance(error, asyncpg.OutdatedSchemaCacheError):
        return SchemaChanged(reason=text)
    if "another operation" in text:
        return SessionBusy()
    if "closed" in text or "released" in text:
        return _lost(text)
    return QueryFailed(message=text.rstrip("."), sqlstate="none", detail=None, hint=None)


def _conflict(error: asyncpg.PostgresError) -> DbError:
    return Conflict(constraint=error.constraint_name, table=_table(error), detail=error.detail)


def _reference(error: asyncpg.PostgresError) -> DbError:
    # Both ends of a foreign key have one SQLSTATE; only the message says which end is violated.
    kind = StillReferenced if "still referenced" in (error.detail or "") else ReferenceMissing
    return kind(constraint=error.constraint_name, table=_table(error), detail=error.detail)


def _still_referenced(error: asyncpg.PostgresError) -> DbError:
    return StillReferenced(constraint=error.constraint_name, table=_table(error), detail=error.detail)


def _check(error: asyncpg.PostgresError) -> DbError:
    return CheckFailed(check=error.constraint_name, table=_table(error), detail=error.detail)


def _not_null(error: asyncpg.PostgresError) -> DbError:
    return CheckFailed(check=f"{error.column_name} not null", table=_table(error), detail=error.detail)


def _table(error: asyncpg.PostgresError) -> str | None:
    return f"{error.schema_name}.{error.table_name}" if error.table_name else error.data_type_name


def _query_failed(error: asyncpg.PostgresError) -> DbError:
    if isinstance(error, asyncpg.InvalidCachedStatementError):
        return SchemaChanged(reason=_text(error))
    beyond = isinstance(error.__cause__, OverflowError)  # found by asyncpg, before PostgreSQL could say the same
    sqlstate = "22003" if beyond else error.sqlstate
    return QueryFailed(message=_text(error), sqlstate=sqlstate, detail=error.detail, hint=error.hint)


def _with_reason(kind: type[DbError]) -> Callable[[asyncpg.PostgresError], DbError]:
    return lambda error: kind(reason=_text(error))


def _text(error: asyncpg.PostgresError) -> str:
    return str(error.message or error).rstrip(".")


_BY_STATE: dict[str, Callable[[asyncpg.PostgresError], DbError]] = {
    "23505": _conflict,
    "23P01": _conflict,
    "23503": _reference,
    "23001": _still_referenced,
    "23514": _check,
    "23502": _not_null,
    "25006": _with_reason(ReadOnly),
    "25P02": lambda error: TransactionFailed(),
    "26000": _with_reason(SchemaChanged),  # the statements of this connection were deallocated
    "40001": _with_reason(Contention),
    "40P01": _with_reason(Contention),
    "55P03": _with_reason(LockTimeout),
    "57014": _with_reason(StatementTimeout),
    "57P01": lambda error: _lost(_text(error)),  # shut down by an administrator
    "57P02": lambda error: _lost(_text(error)),  # another backend crashed
    "57P03": lambda error: unavailable(_text(error)),  # starting up or shutting down
    "57P05": lambda error: _lost(_text(error)),  # idle for too long
    "25P03": lambda error: _lost(_text(error)),  # idle in a transaction for too long
    "25P04": lambda error: _lost(_text(error)),  # the transaction took too long
}

_BY_CLASS: dict[str, Callable[[asyncpg.PostgresError], DbError]] = {
    "08": lambda error: _lost(_text(error)),  # connection exceptions
    "53": lambda error: unavailable(_text(error)),  # out of connections, memory or disk
    "58": lambda error: unavailable(_text(error)),  # the operating system failed the server
}
