"""Defines stored functions: code that is replaced, while a migration is a step that runs once.

The rules:

- A file is applied when the database has an older version of it, or none: ``create or replace`` for everything in it,
  and its record, in one transaction with all other files of its app. They may call each other in any order.
- A release with an older version does not replace a newer one, so two releases that migrate in turn do not overwrite
  each other's functions. The newer body serves both, because the signature is the same.
- A changed signature is refused: names, types and order of the parameters, and the result. An incompatible change is a
  new function with a new name, beside the old one.
- One version has one text. A file that was edited without a new version is an error, and then nothing changes.
- A function that no file defines any more stays, because an older release may call it. A contract migration drops it.
"""

import time
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

import asyncpg
import msgspec

from headwater.db.connection import Connection
from headwater.db.function import FunctionFile, statements_of
from headwater.db.source import MigrationError
from headwater.db.sqlfile import failure
from headwater.db.statement import Statement
from headwater.db.translate import FOREIGN
from headwater.observe import Occurrence, report

TABLE: Final = """
create table if not exists headwater.function (
    app text not null,
    name text not null,                 -- of the file
    version integer not null,
    digest bytea not null,              -- SHA-256 of the file
    signatures text[] not null,         -- of what it defines: schema.name(types)
    applied_at timestamptz not null default clock_timestamp(),
    primary key (app, name)
)
"""
_DEFINED: Final = """
select app, name, version, digest, signatures, applied_at,
       not exists (select from unnest(signatures) s where to_regprocedure(s) is null) as there
  from headwater.function where app = any($1::text[])
"""
_RECORD: Final = """
insert into headwater.function as f (app, name, version, digest, signatures) values ($1, $2, $3, $4, $5)
    on conflict (app, name) do update
   set version = excluded.version, digest = excluded.digest, signatures = excluded.signatures,
       applied_at = excluded.applied_at
returning applied_at
"""
_SIGNATURES: Final = """
select format('%I.%I(%s)', n.nspname, p.proname, oidvectortypes(p.proargtypes)) as signature
  from pg_proc p join pg_namespace n on n.oid = p.pronamespace
 where format('%s.%s', n.nspname, p.proname) = any($1::text[])
 order by 1
"""


class EditedFunction(MigrationError):
    """{path} was edited after its version {version} was applied on {applied_at:%Y-%m-%d %H:%M}. Increase its
    version: the first line becomes `-- headwater: version {next}`."""


class SignatureChanged(MigrationError):
    """{path}: the signature of {function} differs from that in the database ({reason}), which an older release may
    still call. Keep that function and give the new one a new name."""


class Defined(msgspec.Struct, frozen=True):
    """A file of functions that was applied, as the table headwater.function records it."""

    app: str
    name: str
    version: int
    digest: bytes
    signatures: tuple[str, ...]
    applied_at: datetime
    there: bool = True
    """Whether everything that it defines still exists."""

    @property
    def label(self) -> str:
        return f"{self.name}.sql, version {self.version}"


class FunctionsDefined(Occurrence, frozen=True, kw_only=True):
    """The functions of a file were created or replaced."""

    app: str
    name: str
    version: int
    seconds: float


async def read_defined(connection: asyncpg.Connection, apps: Iterable[str]) -> list[Defined]:
    """The recorded files of these apps; none in a database without records."""
    if not await connection.fetchval("select to_regclass('headwater.function') is not null"):
        return []
    return [msgspec.convert(dict(row), Defined) for row in await connection.fetch(_DEFINED, list(apps))]


def undefined(files: Sequence[FunctionFile], defined: Iterable[Defined]) -> list[FunctionFile]:
    """The files to apply; raises `EditedFunction`."""
    known = {(each.app, each.name): each for each in defined}
    return [file for file in files if _is_missing(file, known.get((file.app, file.name)))]


def _is_missing(file: FunctionFile, known: Defined | None) -> bool:
    if known is None or file.version != known.version:
        return known is None or file.version > known.version
    if file.digest != known.digest:
        raise EditedFunction(path=file.path, version=file.version, applied_at=known.applied_at, next=file.version + 1)
    return not known.there


async def define(connection: Connection, files: Sequence[FunctionFile], defined: Iterable[Defined]) -> list[Defined]:
    """Apply these files of one app, all or none; raises `SignatureChanged` and `MigrationFailed`."""
    if not files:
        return []
    started = time.monotonic()
    before = {(each.app, each.name): each.signatures for each in defined}
    await connection.execute("begin isolation level read committed")
    try:
        await _replace(connection, files)
        done = [await _record(connection, file, before.get((file.app, file.name), ())) for file in files]
        await connection.execute("commit")
    except BaseException:
        if not connection.is_closed():
            await connection.execute("rollback")
        raise
    for each in done:
        report(FunctionsDefined(app=each.app, name=each.name, version=each.version, seconds=time.monotonic() - started))
    return done


async def _replace(connection: Connection, files: Sequence[FunctionFile]) -> None:
    """Run the files twice: bodies are checked once everything that they call exists."""
    schema = files[0].schema.replace('"', '""')
    await connection.execute(f'set local search_path = "{schema}", public')
    for checked in ("off", "on"):
        await connection.execute(f"set local check_function_bodies = {checked}")
        for file, statement in statements_of(files):
            await _run(connection, file, statement)


async def _run(connection: Connection, file: FunctionFile, statement: Statement) -> None:
    try:
        await connection.execute(statement.text)
    except asyncpg.InvalidFunctionDefinitionError as error:
        if not _is_irreplaceable(error):
            raise failure(file.path, file.sql, statement, error) from error
        function = next(name for name in file.functions if name.rpartition(".")[2] in statement.words)
        raise SignatureChanged(path=file.path, function=function, reason=error.args[0]) from error
    except FOREIGN as error:
        raise failure(file.path, file.sql, statement, error) from error


def _is_irreplaceable(error: asyncpg.InvalidFunctionDefinitionError) -> bool:
    """Of what `create or replace` cannot replace PostgreSQL says: drop it first."""
    return "DROP " in (error.hint or "")


async def _record(connection: Connection, file: FunctionFile, before: Sequence[str]) -> Defined:
    await connection.execute("set local search_path = ''")  # so that signatures have fully qualified types
    signatures = tuple([row["signature"] for row in await connection.fetch(_SIGNATURES, list(file.functions))])
    _refuse_another(file, (*before, *signatures))
    at = await connection.fetchval(_RECORD, file.app, file.name, file.version, file.digest, list(signatures))
    return Defined(file.app, file.name, file.version, file.digest, signatures, at)


def _refuse_another(file: FunctionFile, signatures: Iterable[str]) -> None:
    """Check that every function of the file has one signature, now and before."""
    by_name: dict[str, str] = {}
    for signature in signatures:
        function = signature.partition("(")[0]
        if by_name.setdefault(function, signature) != signature:
            reason = f"there are {by_name[function]} and {signature}"
            raise SignatureChanged(path=file.path, function=function, reason=reason)
