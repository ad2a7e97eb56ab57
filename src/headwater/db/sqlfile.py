"""A file of SQL, and what is told when a statement of it fails: the file, the line, and PostgreSQL's own words."""

from pathlib import Path

from headwater.db.errors import Contention, DbError, QueryFailed
from headwater.db.source import MigrationError
from headwater.db.statement import Statement
from headwater.db.translate import translate


class MigrationFailed(MigrationError):
    """{path}, line {line}: {reason}"""


def failure(path: Path, sql: str, statement: Statement | None, error: BaseException) -> DbError:
    """What to raise for `error`; without a statement it came at the end of the file."""
    ours = translate(error)
    if isinstance(ours, Contention):
        return ours
    line = _line(sql, statement, getattr(error, "position", None))
    return MigrationFailed(path=path, line=line, reason=_reason(ours, error))


def _line(sql: str, statement: Statement | None, position: str | None) -> int:
    """The line at which PostgreSQL points, else the one on which the statement begins, else the last one."""
    if statement is None:
        return sql.rstrip().count("\n") + 1
    if position is None:
        return statement.line
    return statement.line + statement.text.count("\n", 0, int(position) - 1)


def _reason(ours: DbError, error: BaseException) -> str:
    text = ours.message if isinstance(ours, QueryFailed) else str(error)
    more = [getattr(error, name, None) for name in ("detail", "hint", "context")]
    return "\n".join([str(text), *(part for part in more if part)])
