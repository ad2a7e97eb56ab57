"""`headwater new`: a small project that runs and passes its tests at once."""

import importlib.util
import keyword
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from headwater.errors import HeadwaterError

TEMPLATE = Path(__file__).parent / "template"
_NAME = re.compile(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*", re.ASCII)
_LONGEST_NAME = 40
_TAKEN = frozenset({"conftest", "headwater", "public", "test", "tests"})

# PostgreSQL manual, appendix C: the words that cannot name a schema without quotes.
_RESERVED = frozenset(
    """all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate collation
    column concurrently constraint create cross current_catalog current_date current_role current_schema current_time
    current_timestamp current_user default deferrable desc distinct do else end except false fetch for foreign freeze
    from full grant group having ilike in initially inner intersect into is isnull join lateral leading left like limit
    localtime localtimestamp natural not notnull null offset on only or order outer overlaps placing primary references
    returning right select session_user similar some symmetric system_user table tablesample then to trailing true
    union unique user using variadic verbose when where window with""".split()  # noqa: SIM905 - a list takes 80 lines
)


class BadProjectName(HeadwaterError):
    """{name!r} is not a valid project name: use lower-case letters and digits, single hyphens or underscores."""


class NameReserved(HeadwaterError):
    """{name!r} cannot be a project name: Python, PostgreSQL or Headwater reserves it."""


class FolderNotEmpty(HeadwaterError):
    """{folder} is not empty; a new project needs an empty folder."""


def new(name: str) -> None:
    """Create a project in the folder NAME: a table, routes, an event and its consumer, a migration, tests.

    Parameters
    ----------
    name
        The name of the project and its folder.
    """
    folder = write_project(name, Path.cwd())
    print(f"Wrote {folder.name}/. Now:\n\n  cd {folder.name}\n  headwater up\n  pytest\n")


def write_project(name: str, where: Path) -> Path:
    """Write the project into ``where / name`` and return that folder.

    Raises `BadProjectName`, `NameReserved` or `FolderNotEmpty`.
    """
    package = name.replace("-", "_")
    if _NAME.fullmatch(name) is None or len(name) > _LONGEST_NAME:
        raise BadProjectName(name=name)
    if package in _TAKEN | _RESERVED or keyword.iskeyword(package) or package.startswith("pg_") or _is_module(package):
        raise NameReserved(name=name)
    folder = where / name
    if folder.exists() and any(folder.iterdir()):
        raise FolderNotEmpty(folder=folder)
    for path, text in _files(name, package):
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    return folder


def _is_module(package: str) -> bool:
    """Whether Python would import another module under that name."""
    return package in sys.stdlib_module_names or importlib.util.find_spec(package) is not None


def _files(name: str, package: str) -> Iterator[tuple[Path, str]]:
    for source in sorted(TEMPLATE.rglob("*.txt")):
        relative = source.relative_to(TEMPLATE).with_suffix("")
        parts = [package if part == "package" else part for part in relative.parts]
        parts[-1] = ".gitignore" if parts[-1] == "gitignore" else parts[-1]
        yield Path(*parts), source.read_text().replace("__PACKAGE__", package).replace("__PROJECT__", name)
