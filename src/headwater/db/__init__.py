"""PostgreSQL: pool, reads, sessions, rows, migrations."""

from headwater.db.breaker import DatabaseBack, DatabaseLost
from headwater.db.connection import Connection, connect
from headwater.db.db import Db
from headwater.db.define import Defined, FunctionsDefined
from headwater.db.errors import (
    CheckFailed,
    Conflict,
    ConnectionLost,
    Contention,
    DbError,
    LockTimeout,
    ManyRows,
    NoRow,
    QueryFailed,
    ReadOnly,
    ReferenceMissing,
    RowMismatch,
    SchemaChanged,
    SessionBusy,
    SessionEnded,
    StatementTimeout,
    StillReferenced,
    TransactionControl,
    TransactionFailed,
    Unavailable,
)
from headwater.db.migration import Applied, MigrationApplied, migrate, newer_functions, pending
from headwater.db.pool import Pool
from headwater.db.session import Session
from headwater.db.source import MigrationError, MigrationFile, Source, platform_source
from headwater.db.translate import FOREIGN, translate

__all__ = [
    "FOREIGN",
    "Applied",
    "CheckFailed",
    "Conflict",
    "Connection",
    "ConnectionLost",
    "Contention",
    "DatabaseBack",
    "DatabaseLost",
    "Db",
    "DbError",
    "Defined",
    "FunctionsDefined",
    "LockTimeout",
    "ManyRows",
    "MigrationApplied",
    "MigrationError",
    "MigrationFile",
    "NoRow",
    "Pool",
    "QueryFailed",
    "ReadOnly",
    "ReferenceMissing",
    "RowMismatch",
    "SchemaChanged",
    "Session",
    "SessionBusy",
    "SessionEnded",
    "Source",
    "StatementTimeout",
    "StillReferenced",
    "TransactionControl",
    "TransactionFailed",
    "Unavailable",
    "connect",
    "migrate",
    "newer_functions",
    "pending",
    "platform_source",
    "translate",
]
