"""psql on the backend's database: the program of the embedded PostgreSQL, or the one on the PATH."""

import os
import shutil
import sys
from typing import Annotated

from cyclopts import Parameter

from headwater.errors import HeadwaterError


class PsqlMissing(HeadwaterError):
    """psql was not found, neither in the embedded PostgreSQL nor on the PATH."""


def psql(*arguments: Annotated[str, Parameter(allow_leading_hyphen=True)]) -> None:
    """Open psql on the database that the backend uses.

    Parameters
    ----------
    arguments
        Arguments of psql, such as: -c 'select 1'
    """
    from headwater.engines import postgres_url
    from headwater.engines.address import split_password
    from headwater.settings import read_settings

    url, password = split_password(postgres_url(read_settings()))
    environ = {**os.environ, **({"PGPASSWORD": password} if password else {})}
    sys.stdout.flush()
    os.execve(_program(), ["psql", url, *arguments], environ)


def _program() -> str:
    from headwater.engines.engine import ProgramMissing
    from headwater.engines.programs import find_postgres

    try:
        ours = find_postgres().postgres.with_name("psql")
    except ProgramMissing:
        ours = None
    found = str(ours) if ours is not None and ours.is_file() else shutil.which("psql")
    if found is None:
        raise PsqlMissing
    return found
