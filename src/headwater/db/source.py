"""Migration files of one app, as they lie in its folder.

A file is named ``NNNN_name.expand.sql`` or ``NNNN_name.contract.sql``. *Expand* adds what the next release needs and
the running one does not mind; it runs before the switch. *Contract* takes away what no release uses any more; it
runs once the old release is gone.

Order is the number's, and within one number expand before contract. A number may have one file of each phase, under
one name; it may not appear twice in a phase. Numbers may leave gaps: a branch that was dropped leaves one.
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
    """{path} is no migration: name it NNNN_name.expand.sql or NNNN_name.contract.sql."""


class DuplicateNumber(MigrationError):
    """{first} and {second} have the same number; a number has one file of each phase, and both have one name."""


class MissingFolder(MigrationError):
    """{folder}, the migrations of {app}, is no folder."""


class Source(Declaration, frozen=True):
    """Where the migrations of an app lie, where its stored functions do, and the schema that is its own."""

    app: str
    schema: str
    folder: Path
    functions: tuple[Path, ...] | None = None
    """Folders of files of functions; by default ``functions`` beside the migrations, if there is one."""

    @property
    def function_folders(self) -> tuple[Path, ...]:
        return (self.folder.parent / "functions",) if self.functions is None else self.functions


class MigrationFile(msgspec.Struct, frozen=True):
    """One file, read whole."""

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
    """Every migration of an app, in the order in which they are applied; raises `MigrationError`."""
    if not source.folder.is_dir():
        raise MissingFolder(app=source.app, folder=source.folder)
    files = [_read(source, path) for path in sorted(source.folder.iterdir()) if _is_meant(path)]
    files.sort(key=lambda file: file.order)
    _refuse_duplicates(files)
    return files


def _is_meant(path: Path) -> bool:
    """Hidden files, notes and Python's own droppings may lie beside the migrations; nothing else may."""
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
