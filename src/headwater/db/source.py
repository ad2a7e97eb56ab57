"""The migration files of one app.

A file is named ``NNNN_name.expand.sql`` or ``NNNN_name.contract.sql``. *Expand* adds what the next release needs and
the running release can live with; it is applied before the switch. *Contract* removes what no release uses any more;
it is applied once the old release is gone.

Files are ordered by number, and within one number expand before contract. A number may have one file of each phase,
both with the same name. Numbers may have gaps: an abandoned branch leaves one.
"""

import hashlib
import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Literal

import msgspec

from headwater.db.errors import DbError
from headwater.part import Declaration

Phase = Literal["expand", "contract"]
PHASES: tuple[Phase, ...] = ("expand", "contract")

_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.(expand|contract)\.sql")
_NO_TRANSACTION = "-- headwater: no transaction"


class MigrationError(DbError):
    """The migrations cannot be applied."""


class BadFileName(MigrationError):
    """{path} is not named as a migration: NNNN_name.expand.sql or NNNN_name.contract.sql."""


class DuplicateNumber(MigrationError):
    """{first} and {second} have the same number. A number has one file of each phase, and both have the same name."""


class MissingFolder(MigrationError):
    """{folder}, which should hold the migrations of {app}, is not a folder."""


class Source(Declaration, frozen=True):
    """The folders of an app's migrations and stored functions, and the app's schema."""

    app: str
    schema: str
    folder: Path
    functions: tuple[Path, ...] | None = None
    """Folders of files of functions; by default ``functions`` beside the migrations, if there is one."""

    @property
    def function_folders(self) -> tuple[Path, ...]:
        return (self.folder.parent / "functions",) if self.functions is None else self.functions


class MigrationFile(msgspec.Struct, frozen=True):
    """One file, with its content."""

    app: str
    schema: str
    number: int
    name: str
    phase: Phase
    path: Path
    sql: str
    checksum: bytes  # SHA-256 of the text with line ends as \n

    @property
    def transactional(self) -> bool:
        return self.sql.partition("\n")[0].rstrip() != _NO_TRANSACTION

    @property
    def order(self) -> tuple[int, int]:
        return self.number, PHASES.index(self.phase)


def platform_source() -> Source:
    """The platform's own: the schema `headwater`, its functions beside the packages that call them."""
    root = Path(__file__).parent.parent
    callers = tuple(root / package for package in ("consumer", "log", "objects"))
    return Source("headwater", "headwater", root / "migrations", callers)


def read_source(source: Source) -> list[MigrationFile]:
    """Every migration of an app, in the order of application; raises `MigrationError`."""
    if not source.folder.is_dir():
        raise MissingFolder(app=source.app, folder=source.folder)
    files = [_read(source, path) for path in sorted(source.folder.iterdir()) if _is_meant(path)]
    files.sort(key=lambda file: file.order)
    _refuse_duplicates(files)
    return files


def _is_meant(path: Path) -> bool:
    """Hidden files, Markdown files and Python's caches may be beside the migrations; nothing else may."""
    return not path.name.startswith((".", "__")) and path.suffix != ".md"


def _read(source: Source, path: Path) -> MigrationFile:
    match = _NAME.fullmatch(path.name)
    if match is None:
        raise BadFileName(path=path)
    number, name, phase = match.groups()
    sql = path.read_text(encoding="utf-8").replace("\r\n", "\n")
    return MigrationFile(
        app=source.app,
        schema=source.schema,
        number=int(number),
        name=name,
        phase="expand" if phase == "expand" else "contract",
        path=path,
        sql=sql,
        checksum=hashlib.sha256(sql.encode()).digest(),
    )


def _refuse_duplicates(files: Sequence[MigrationFile]) -> None:
    for first, second in pairwise(files):
        if first.number == second.number and (first.phase == second.phase or first.name != second.name):
            raise DuplicateNumber(first=first.path, second=second.path)
