"""The errors of statements, rows and migrations.

::

    HeadwaterError
     └─ DbError
         ├─ Unavailable          no usable connection; retry after `retry_after` seconds
         │   └─ ConnectionLost   the connection broke
         ├─ UrlInvalid           the URL is not one of PostgreSQL
         ├─ NoRow, ManyRows      `one` or `maybe` found another number of rows
         ├─ RowMismatch          a column does not fit the type that was asked for
         ├─ Conflict             a unique or exclusion constraint is violated
         │   └─ StillReferenced  other rows refer to the row that was to be deleted
         ├─ ReferenceMissing     a foreign key refers to a row that does not exist
         ├─ CheckFailed          a check or not-null constraint is violated
         ├─ Contention           a conflict with a concurrent transaction; the whole transaction may be retried
         │   ├─ LockTimeout      waited for a lock longer than lock_timeout
         │   └─ SchemaChanged    a migration changed what a cached statement returns
         ├─ StatementTimeout     ran longer than statement_timeout
         ├─ ReadOnly             a write in a read-only session
         ├─ TransactionFailed    an earlier error of the transaction was swallowed
         ├─ TransactionControl   a statement that begins or ends a transaction
         ├─ SessionBusy          two statements at once on one connection
         ├─ SessionEnded         a statement after the end of the transaction
         ├─ QueryFailed          any other error of PostgreSQL, with its SQLSTATE
         └─ MigrationError       see `headwater.db.migration`
"""

from headwater.errors import HeadwaterError


class DbError(HeadwaterError):
    """The database operation failed."""


class Unavailable(DbError):
    """PostgreSQL is not available: {reason}."""

    retry_after: float


class ConnectionLost(Unavailable):
    """The connection to PostgreSQL broke: {reason}."""


class UrlInvalid(DbError):
    """The URL of PostgreSQL is invalid. An example: postgresql://user:password@host:5432/database."""


class NoRow(DbError):
    """Expected one {kind}, found none."""


class ManyRows(DbError):
    """Expected one {kind}, found {count}."""


class RowMismatch(DbError):
    """Column {column!r} does not fit {kind}: {reason}."""


class Conflict(DbError):
    """The row conflicts with another row ({constraint})."""


class StillReferenced(Conflict):
    """Other rows still refer to this one ({constraint})."""


class ReferenceMissing(DbError):
    """The row that this one refers to does not exist ({constraint})."""


class CheckFailed(DbError):
    """The row does not satisfy {check} of {table}."""


class Contention(DbError):
    """The transaction conflicted with a concurrent one: {reason}."""


class LockTimeout(Contention):
    """Waited too long for a lock: {reason}."""


class SchemaChanged(Contention):
    """The schema changed under a cached statement: {reason}."""


class StatementTimeout(DbError):
    """The statement was cancelled: {reason}."""


class ReadOnly(DbError):
    """This session is read-only ({reason}). Write in a command, which has a Tx."""


class TransactionFailed(DbError):
    """An earlier statement of this transaction failed, so PostgreSQL accepts no more statements in it.

    Let the first error propagate, or run what may fail inside `savepoint()`.
    """


class TransactionControl(DbError):
    """{verb} would begin or end a transaction, which Headwater does itself. Use `savepoint()` for a nested one."""


class SessionBusy(DbError):
    """A connection runs one statement at a time. Await each before the next, or read through Db."""


class SessionEnded(DbError):
    """The transaction has ended. Await everything that belongs to it before its end."""


class QueryFailed(DbError):
    """{message} (SQLSTATE {sqlstate})."""
