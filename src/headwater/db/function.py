"""Stored functions of one app: SQL files beside the code that calls them.

A file defines one function, or a few that belong together, each as ``create or replace function schema.name(…)``. It is
identified by its name. ``-- headwater: version 2`` on the first line is its version; a file without it has version 1.
Versions order the bodies of a function among releases; see `headwater.db.define`.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from headwater.db.source import MigrationError, Source
from headwater.db.statement import Statement, split

_DEFINITION: Final = re.compile(
    r"create\s+or\s+replace\s+(?:function|procedure)\s+(?:(\w+)\.)?(\w+)\s*\(", re.IGNORECASE
)
_MARK: Final = "-- headwater:"
_VERSION: Final = re.compile(r"-- headwater: version ([1-9][0-9]{0,8})\s*")


class NotAFunction(MigrationError):
    """{path}, line {line}: a file of stored functions may only have `create or replace function schema.name(…)`, or the
    same for a procedure. Tables, and everything else that is created once, belong in a migration."""


class NoFunction(MigrationError):
    """{path} defines no function."""


class UnreadableVersion(MigrationError):
    """The first line of {path} is not a valid version. An example: -- headwater: version 2"""


class DuplicateFunction(MigrationError):
    """{first} and {second} both define {what}; names of functions, and of their files, must be unique."""


class FunctionFile(msgspec.Struct, frozen=True):
    """One file, with its text."""

    app: str
    schema: str
    name: str
    version: int
    functions: tuple[str, ...]
    """The functions that it defines, each ``schema.name``."""
    path: Path
    sql: str
    digest: bytes
    """SHA-256 of the text with line ends as \\n."""


def read_functions(source: Source) -> list[FunctionFile]:
    """Every file of functions of an app, by name; raises `MigrationError`. A missing folder has none."""
    paths = [path for folder in source.function_folders if folder.is_dir() for path in folder.glob("*.sql")]
    files = [_read(source, path) for path in sorted(paths, key=lambda path: path.stem)]
    _refuse_twins((file.path, f"{file.name}.sql") for file in files)
    _refuse_twins((file.path, function) for file in files for function in file.functions)
    return files


def _read(source: Source, path: Path) -> FunctionFile:
    sql = path.read_text(encoding="utf-8").replace("\r\n", "\n")
    functions = tuple(_name(source, path, statement) for statement in split(sql))
    if not functions:
        raise NoFunction(path=path)
    return FunctionFile(
        app=source.app,
        schema=source.schema,
        name=path.stem,
        version=_version(path, sql),
        functions=functions,
        path=path,
        sql=sql,
        digest=hashlib.sha256(sql.encode()).digest(),
    )


def _name(source: Source, path: Path, statement: Statement) -> str:
    match = _DEFINITION.match(statement.text)
    if match is None:
        raise NotAFunction(path=path, line=statement.line)
    schema, name = match.groups()
    return f"{(schema or source.schema).lower()}.{name.lower()}"


def _version(path: Path, sql: str) -> int:
    line = sql.partition("\n")[0]
    if not line.startswith(_MARK):
        return 1
    match = _VERSION.fullmatch(line)
    if match is None:
        raise UnreadableVersion(path=path)
    return int(match.group(1))


def _refuse_twins(named: Iterable[tuple[Path, str]]) -> None:
    seen: dict[str, Path] = {}
    for path, what in named:
        if what in seen:
            raise DuplicateFunction(first=seen[what], second=path, what=what)
        seen[what] = path


def statements_of(files: Sequence[FunctionFile]) -> Iterator[tuple[FunctionFile, Statement]]:
    """The statements of all files, in order."""
    for file in files:
        for statement in split(file.sql):
            yield file, statement
