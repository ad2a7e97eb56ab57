"""Migrations: plain SQL files, each applied once, in order.

What holds:

- An advisory lock lets one migrator run at a time; a second one waits and then finds nothing left to do. It polls
  instead of queueing for the lock, because a session that waits inside a statement holds a snapshot, and ``create
  index concurrently`` in the first migrator would wait for that session in turn.
- Before anything is applied, every file is compared with the record of what was applied. An edited file, a missing
  file and a file whose number comes too late are errors, and then nothing changes.
- Each file and its record are one transaction, so it is applied whole or not at all. It waits for locks only briefly,
  because every later statement on the table queues behind it, and is retried after a pause.
- A file whose first line is ``-- headwater: no transaction`` is sent statement by statement, for ``create index
  concurrently``. If it is interrupted, the invalid index that it leaves is dropped before the next attempt. When a
  later statement of such a file fails, the earlier ones stay applied: keep it to one, or make each repeatable.
- Order is kept within a phase. An expand may be applied before an earlier contract, which waits until the old release
  is gone.
- A database with expands newer than the newest file here is fine: a newer release has applied them, and this one can
  run with them. A newer contract is an error.
- Stored functions are code and not steps; applied after the migrations of their app; see `headwater.db.define`.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import NamedTuple

import msgspec

from headwater.backoff import Backoff
from headwater.db.connection import Connection, connect
from headwater.db.define import TABLE as FUNCTION_TABLE
from headwater.db.define import Defined, define, read_defined, undefined
from headwater.db.errors import Contention
from headwater.db.function import FunctionFile, read_functions
from headwater.db.source import PHASES, MigrationError, MigrationFile, Phase, Source, read_source
from headwater.db.sqlfile import failure
from headwater.db.statement import Statement, split, traits
from headwater.db.translate import FOREIGN, translate
from headwater.engines.identity import unidentified_of_schema
from headwater.observe import Occurrence, report

LOCK_KEY = 0x68656164776174  # "headwat", in pg_advisory_lock's space of one bigint

_LOCK_SECONDS = 2.0
_LOCK_ATTEMPTS = 12
_LOCKED = Backoff(first=0.2, most=5.0)
_TURN_SECONDS = 600.0
_TURN_POLL_SECONDS = 0.2

_TABLE = """
create table if not exists headwater.migration (
    app text not null,
    number integer not null,
    phase text not null,
    name text not null,
    checksum bytea not null,            -- SHA-256 of the file
    applied_at timestamptz not null default clock_timestamp(),
    primary key (app, number, phase)
)
"""
_APPLIED = "select app, number, name, phase, checksum, applied_at from headwater.migration where app = any($1::text[])"
_RECORD = """
insert into headwater.migration (app, number, name, phase, checksum) values ($1, $2, $3, $4, $5) returning applied_at
"""
_MIGRATED = "select to_regclass('headwater.migration') is not null"
_SCHEMA_EXISTS = "select exists (select from pg_namespace where nspname = $1)"
_INVALID_INDEXES = """
select format('%I.%I', n.nspname, c.relname), c.relname
from pg_index i join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace
where not i.indisvalid and n.nspname = $1
"""


class MigrationBlocked(MigrationError):
    """{path}, line {line}: other sessions held its locks during {attempts} attempts ({reason}). Nothing changed."""


class MigrationBusy(MigrationError):
    """Another migrator has been running for {seconds:g} seconds."""


class EditedFile(MigrationError):
    """{path} was edited after it was applied on {applied_at:%Y-%m-%d %H:%M}. Undo the edit and add a new file."""


class RenamedFile(MigrationError):
    """{path} was renamed after it was applied as {was!r}. Undo the renaming."""


class MissingFile(MigrationError):
    """{app} {number:04}_{name}.{phase}.sql was applied, but is missing in {folder}."""


class LateFile(MigrationError):
    """{path} comes too late: {number:04} of the same phase has been applied. Give the file the next free number."""


class ContractedPast(MigrationError):
    """A newer release has applied {app} {number:04}_{name}.contract.sql; this release cannot run on that schema."""


class EndsTransaction(MigrationError):
    """{path}, line {line}: {verb} is not allowed in a migration; the file is one transaction already."""


class Applied(msgspec.Struct, frozen=True):
    """An applied file, as the table headwater.migration records it."""

    app: str
    number: int
    name: str
    phase: Phase
    checksum: bytes
    applied_at: datetime

    @property
    def label(self) -> str:
        return f"{self.number:04}_{self.name}.{self.phase}.sql"


class MigrationApplied(Occurrence, frozen=True, kw_only=True):
    """A migration was applied."""

    app: str
    number: int
    name: str
    phase: Phase
    seconds: float


async def migrate(
    url: str,
    sources: Sequence[Source],
    phases: Sequence[Phase] = PHASES,
    *,
    lock_timeout: float = _LOCK_SECONDS,
    attempts: int = _LOCK_ATTEMPTS,
) -> list[Applied | Defined]:
    """Apply what is missing, source by source: its migrations, then, with the expand phase, its stored functions.

    Returns what was applied, in order. Each attempt at a file waits `lock_timeout` seconds for a lock; after
    `attempts` of them, `MigrationBlocked` is raised. Also raises the other kinds of `MigrationError`,
    `NoReplicaIdentity` for a table that cannot be published as it is, and `Unavailable`.
    """
    wanted = _read(sources)
    async with _connection(url) as connection, _lock(connection):
        await _prepare(connection, sources)
        done, defined = await _applied(connection, sources), await read_defined(connection, _apps(sources))
        missing = _missing(wanted, done, defined, phases)
        runner = _Runner(connection, lock_timeout, attempts)
        applied: list[Applied | Defined] = []
        for files, functions in missing:
            applied += [await runner.apply(file) for file in files]
            applied += await define(connection, functions, defined)
        for source in sources:
            await _require_identities(connection, source.schema)
        return applied


async def pending(
    url: str, sources: Sequence[Source], phases: Sequence[Phase] = PHASES
) -> list[MigrationFile | FunctionFile]:
    """What `migrate` would apply; changes nothing, and raises the same errors."""
    wanted = _read(sources)
    async with _connection(url) as connection:
        done = await _applied(connection, sources) if await connection.fetchval(_MIGRATED) else []
        defined = await read_defined(connection, _apps(sources))
    found: list[MigrationFile | FunctionFile] = []
    for files, functions in _missing(wanted, done, defined, phases):
        found += [*files, *functions]
    return found


async def is_migrated(url: str) -> bool:
    """Whether any migrator has been at work in this database."""
    async with _connection(url) as connection:
        return bool(await connection.fetchval(_MIGRATED))


async def newer_functions(url: str, sources: Sequence[Source]) -> list[Defined]:
    """Stored functions of which a newer release has left a newer version; this one leaves it alone."""
    ours = {(file.app, file.name): file.version for source in sources for file in read_functions(source)}
    async with _connection(url) as connection:
        defined = await read_defined(connection, _apps(sources))
    return [each for each in defined if each.version > ours.get((each.app, each.name), each.version)]


class _Wanted(NamedTuple):
    """The files of one source."""

    source: Source
    migrations: list[MigrationFile]
    functions: list[FunctionFile]


def _read(sources: Sequence[Source]) -> list[_Wanted]:
    return [_Wanted(source, read_source(source), read_functions(source)) for source in sources]


def _apps(sources: Sequence[Source]) -> list[str]:
    return [source.app for source in sources]


def _missing(
    wanted: Sequence[_Wanted], done: Sequence[Applied], defined: Sequence[Defined], phases: Sequence[Phase]
) -> list[tuple[list[MigrationFile], list[FunctionFile]]]:
    """By source, what is to be applied; raises for every file that does not fit what was applied before."""
    for source, migrations, _ in wanted:
        _compare(source, migrations, done)
    return [
        (_unapplied(migrations, done, phases), undefined(functions, defined) if "expand" in phases else [])
        for _, migrations, functions in wanted
    ]


@asynccontextmanager
async def _connection(url: str) -> AsyncIterator[Connection]:
    connection = await connect(
        url,
        application_name="headwater migrate",
        lock_timeout=0,
        statement_timeout=0,
        settings={"idle_in_transaction_session_timeout": "0"},
    )
    try:
        yield connection
    except FOREIGN as error:
        raise translate(error) from error
    finally:
        await connection.leave()


@asynccontextmanager
async def _lock(connection: Connection) -> AsyncIterator[None]:
    """The advisory lock of migrators; PostgreSQL releases it with the session at the latest."""
    deadline = time.monotonic() + _TURN_SECONDS
    while not await connection.fetchval("select pg_try_advisory_lock($1)", LOCK_KEY):
        if time.monotonic() > deadline:
            raise MigrationBusy(seconds=_TURN_SECONDS)
        await asyncio.sleep(random.uniform(0.5, 1.0) * _TURN_POLL_SECONDS)
    yield


async def _prepare(connection: Connection, sources: Sequence[Source]) -> None:
    for schema in ["headwater", *(source.schema for source in sources)]:
        # Checked first, because `if not exists` requires the privilege to create even if the schema exists.
        if not await connection.fetchval(_SCHEMA_EXISTS, schema):
            await connection.execute(f"create schema {_quoted(schema)}")
    await connection.execute(_TABLE)
    await connection.execute(FUNCTION_TABLE)


async def _applied(connection: Connection, sources: Sequence[Source]) -> list[Applied]:
    rows = await connection.fetch(_APPLIED, _apps(sources))
    return [Applied(**row) for row in rows]


def _compare(source: Source, files: Sequence[MigrationFile], done: Iterable[Applied]) -> None:
    known = {(file.number, file.phase): file for file in files}
    mine = [applied for applied in done if applied.app == source.app]
    newest = max((file.number for file in files), default=0)
    for applied in mine:
        file = known.get((applied.number, applied.phase))
        if file is None:
            _excuse_missing(source, applied, newest)
        elif file.checksum != applied.checksum:
            raise EditedFile(path=file.path, applied_at=applied.applied_at)
        elif file.name != applied.name:
            raise RenamedFile(path=file.path, was=applied.name)
    for file in files:
        _refuse_late(file, mine)


def _excuse_missing(source: Source, applied: Applied, newest: int) -> None:
    if applied.number <= newest:
        raise MissingFile(
            app=source.app, number=applied.number, name=applied.name, phase=applied.phase, folder=source.folder
        )
    if applied.phase == "contract":
        raise ContractedPast(app=source.app, number=applied.number, name=applied.name)


def _refuse_late(file: MigrationFile, mine: Sequence[Applied]) -> None:
    numbers = [applied.number for applied in mine if applied.phase == file.phase]
    if file.number not in numbers and numbers and file.number < max(numbers):
        raise LateFile(path=file.path, number=max(numbers))


def _unapplied(files: Sequence[MigrationFile], done: Iterable[Applied], phases: Sequence[Phase]) -> list[MigrationFile]:
    there = {(applied.app, applied.number, applied.phase) for applied in done}
    return [file for file in files if file.phase in phases and (file.app, file.number, file.phase) not in there]


class _Runner:
    """Applies one file after another on one connection."""

    def __init__(self, connection: Connection, lock_timeout: float, attempts: int) -> None:
        self._connection = connection
        self._lock_timeout = lock_timeout
        self._attempts = attempts
        self._line = 1

    async def apply(self, file: MigrationFile) -> Applied:
        """Apply the file, with retries while others hold its locks."""
        started = time.monotonic()
        statements = list(split(file.sql))
        _refuse_control(file, statements)
        for attempt in range(1, self._attempts + 1):
            try:
                applied = await self._attempt(file, statements)
            except Contention as error:
                if attempt == self._attempts:
                    raise MigrationBlocked(
                        path=file.path, line=self._line, attempts=attempt, reason=error.reason
                    ) from error
                await asyncio.sleep(_LOCKED.delay(attempt))
            else:
                _report(applied, time.monotonic() - started)
                return applied
        raise AssertionError("unreachable")

    async def _attempt(self, file: MigrationFile, statements: Sequence[Statement]) -> Applied:
        if file.transactional:
            return await self._in_one_transaction(file, statements)
        return await self._one_by_one(file, statements)

    async def _in_one_transaction(self, file: MigrationFile, statements: Sequence[Statement]) -> Applied:
        await self._connection.execute("begin isolation level read committed")
        try:
            await self._connection.execute(f"set local lock_timeout = {round(self._lock_timeout * 1000)}")
            await self._connection.execute(f"set local search_path = {_quoted(file.schema)}, public")
            for statement in statements:
                await self._run(file, statement)
            await _require_identities(self._connection, file.schema)
            applied = await self._record(file)
            await self._commit(file)
        except BaseException:
            await self._roll_back()
            raise
        return applied

    async def _one_by_one(self, file: MigrationFile, statements: Sequence[Statement]) -> Applied:
        await self._drop_leftovers(file)
        await self._connection.execute(f"set search_path = {_quoted(file.schema)}, public")
        for statement in statements:
            await self._run(file, statement)
        await self._connection.execute("reset search_path")
        return await self._record(file)

    async def _run(self, file: MigrationFile, statement: Statement) -> None:
        self._line = statement.line
        try:
            await self._connection.execute(statement.text)
        except FOREIGN as error:
            raise failure(file.path, file.sql, statement, error) from error

    async def _commit(self, file: MigrationFile) -> None:
        try:  # deferred constraints are checked only now
            await self._connection.execute("commit")
        except FOREIGN as error:
            raise failure(file.path, file.sql, None, error) from error

    async def _roll_back(self) -> None:
        if not self._connection.is_closed():
            await self._connection.execute("rollback")

    async def _record(self, file: MigrationFile) -> Applied:
        at = await self._connection.fetchval(_RECORD, file.app, file.number, file.name, file.phase, file.checksum)
        return Applied(file.app, file.number, file.name, file.phase, file.checksum, at)

    async def _drop_leftovers(self, file: MigrationFile) -> None:
        words = {word for statement in split(file.sql) for word in statement.words}
        for qualified, name in await self._connection.fetch(_INVALID_INDEXES, file.schema):
            if name.lower() in words:
                await self._connection.execute(f"drop index concurrently if exists {qualified}")


def _refuse_control(file: MigrationFile, statements: Sequence[Statement]) -> None:
    for statement in statements:
        verb = traits(statement.text).control
        if verb is not None:
            raise EndsTransaction(path=file.path, line=statement.line, verb=verb.upper())


async def _require_identities(connection: Connection, schema: str) -> None:
    for table in await unidentified_of_schema(connection, schema):
        raise table.refusal()


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _report(applied: Applied, seconds: float) -> None:
    report(
        MigrationApplied(
            app=applied.app, number=applied.number, name=applied.name, phase=applied.phase, seconds=seconds
        )
    )
