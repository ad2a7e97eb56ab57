"""Everything that can go wrong between a statement and its rows.

::

    HeadwaterError
     └─ DbError
         ├─ Unavailable          no usable connection; try again after `retry_after` seconds
         │   └─ ConnectionLost   there was one, and it broke
         ├─ UrlUnreadable        the URL names no PostgreSQL
         ├─ NoRow, ManyRows      `one` and `maybe` found another number of rows
         ├─ RowMismatch          a column does not fit the kind it was to become
         ├─ Conflict             a unique or exclusion constraint says no
         │   └─ StillReferenced  other rows point at the one that was to go
         ├─ ReferenceMissing     a foreign key points at nothing
         ├─ CheckFailed          a check or not-null constraint says no
         ├─ Contention           lost against a concurrent transaction; the whole transaction may be tried again
         │   ├─ LockTimeout      waited for a lock longer than lock_timeout
         │   └─ SchemaChanged    a migration changed what a cached statement returns
         ├─ StatementTimeout     ran for longer than statement_timeout
         ├─ ReadOnly             a write where only reads belong
         ├─ TransactionFailed    an earlier error of the transaction was swallowed
         ├─ TransactionControl   a statement that would end somebody else's transaction
         ├─ SessionBusy          two statements at once on one connection
         ├─ SessionEnded         a statement after the transaction is over
         ├─ QueryFailed          anything else PostgreSQL refuses, with its SQLSTATE
         └─ MigrationError       see `headwater.db.migration`
"""

from headwater.errors import HeadwaterError


class DbError(HeadwaterError):
    """PostgreSQL could not do what was asked."""


class Unavailable(DbError):
    """PostgreSQL is not available: {reason}."""

    retry_after: float


class ConnectionLost(Unavailable):
    """The connection to PostgreSQL broke: {reason}."""


class UrlUnreadable(DbError):
    """The URL of PostgreSQL cannot be read; one looks like postgresql://user:password@host:5432/database."""


class NoRow(DbError):
    """Expected one {kind}, found none."""


class ManyRows(DbError):
    """Expected one {kind}, found {count}."""


class RowMismatch(DbError):
    """Column {column!r} does not fit {kind}: {reason}."""


class Conflict(DbError):
    """Another row stands in the way ({constraint})."""


class StillReferenced(Conflict):
    """Other rows still point at this one ({constraint})."""


class ReferenceMissing(DbError):
    """The row that this one points at does not exist ({constraint})."""


class CheckFailed(DbError):
    """The row does not satisfy {check} of {table}."""


class Contention(DbError):
    """Lost against a concurrent transaction: {reason}."""


class LockTimeout(Contention):
    """Waited too long for a lock: {reason}."""


class SchemaChanged(Contention):
    """The schema changed under a cached statement: {reason}."""


class StatementTimeout(DbError):
    """The statement was stopped: {reason}."""


class ReadOnly(DbError):
    """Only reads are possible here ({reason}). What writes belongs in a command, which has a Tx."""


class TransactionFailed(DbError):
    """An earlier statement of this transaction failed, and PostgreSQL takes no more of it.

    Let the first error through, or put what may fail into `savepoint()`.
    """


class TransactionControl(DbError):
    """{verb} would end or begin a transaction that is not the caller's; `savepoint()` nests one."""


class SessionBusy(DbError):
    """One connection runs one statement at a time; await each before the next, or read through Db."""


class SessionEnded(DbError):
    """The transaction is over; whatever was to be part of it had to be awaited before."""


class QueryFailed(DbError):
    """{message} (SQLSTATE {sqlstate})."""
