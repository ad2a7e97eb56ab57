"""One connection to PostgreSQL, set up the way Headwater uses it.

Times are bounded on the server (lock, statement, idle transaction) and once more on this side, a little later, for a
server that no longer answers at all. JSON arrives as Python values. Prepared statements are kept for as long as the
connection lives.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

import asyncpg
import msgspec

from headwater.db.errors import ConnectionLost, DbError, UrlUnreadable
from headwater.db.statement import Traits
from headwater.db.translate import FOREIGN, translate, unavailable

CONNECT_SECONDS = 5.0
LOCK_SECONDS = 5.0
STATEMENT_SECONDS = 30.0
IDLE_IN_TRANSACTION_SECONDS = 60.0
LEAVE_SECONDS = 5.0

_GRACE_SECONDS = 5.0
_STATEMENTS_CACHED = 500
_STATEMENT_CHARACTERS_CACHED = 65_536
_JSONB_VERSION = b"\x01"


class Connection(asyncpg.Connection):  # type: ignore[misc]
    """asyncpg's connection, and what the pool remembers about it."""

    __slots__ = ("generation", "idle_since", "prepared", "stained", "worn")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.stained = False  # something may be left behind in the session: reset it before anyone else gets it
        self.worn = False  # its prepared statements are gone: close it
        self.prepared: set[str] = set()  # names of the statements that its users prepared by hand
        self.generation = 0  # of the schema, as the pool counts
        self.idle_since = 0.0

    def stain(self, text: Traits) -> None:
        """Remember that a text was sent which may leave something behind."""
        self.stained = True
        self.worn = self.worn or text.drops_statements

    async def prepare_by_name(self, name: str, sql: str) -> None:
        """Send the ``prepare`` statements of `sql`, once per connection; `name` stands for them in `prepared`."""
        try:
            await self.execute(sql)
        except BaseException:
            self.worn = True  # it may have them or not, and could neither be told nor asked for them again
            raise
        self.prepared.add(name)

    def forget_schema(self) -> None:
        """Drop what was cached about types and statements; the next use of each asks the server again."""
        self._drop_local_type_cache()
        self._drop_local_statement_cache()

    async def leave(self) -> None:
        """Close with a goodbye to the server; a connection on which it cannot be said is just dropped."""
        try:
            await self.close(timeout=LEAVE_SECONDS)
        except FOREIGN:
            self.terminate()


async def connect(
    url: str,
    *,
    application_name: str,
    read_only: bool = False,
    lock_timeout: float = LOCK_SECONDS,
    statement_timeout: float = STATEMENT_SECONDS,
    connect_timeout: float = CONNECT_SECONDS,
    settings: Mapping[str, str] | None = None,
) -> Connection:
    """A new connection; raises a `DbError`: `Unavailable` when none can be made within `connect_timeout` seconds.

    `lock_timeout` and `statement_timeout` are in seconds; 0 means no limit. `settings` are further server settings
    of the session.
    """
    session = {
        "application_name": application_name,
        "timezone": "UTC",
        "lock_timeout": _milliseconds(lock_timeout),
        "statement_timeout": _milliseconds(statement_timeout),
        "idle_in_transaction_session_timeout": _milliseconds(IDLE_IN_TRANSACTION_SECONDS),
        "default_transaction_read_only": "on" if read_only else "off",
        **(settings or {}),
    }
    try:
        async with asyncio.timeout(connect_timeout):
            connection: Connection = await asyncpg.connect(
                url,
                connection_class=Connection,
                server_settings=session,
                command_timeout=statement_timeout + _GRACE_SECONDS if statement_timeout else None,
                statement_cache_size=_STATEMENTS_CACHED,
                max_cached_statement_lifetime=0,
                max_cacheable_statement_size=_STATEMENT_CHARACTERS_CACHED,
            )
            await _set_codecs(connection)
    except REFUSALS as error:
        raise refused(error) from error
    return connection


REFUSALS = (*FOREIGN, ValueError)
"""What the making of a connection can raise; `ValueError` for a URL that asyncpg cannot read."""


def refused(error: BaseException) -> DbError:
    """Our error for one of `REFUSALS` that kept a connection from being made: nothing broke that was there before."""
    if not isinstance(error, FOREIGN):
        return UrlUnreadable()  # and no more of it: what cannot be read may be the password
    ours = translate(error)
    return unavailable(ours.reason) if isinstance(ours, ConnectionLost) else ours


def _milliseconds(seconds: float) -> str:
    return str(round(seconds * 1000))


async def _set_codecs(connection: Connection) -> None:
    try:
        await connection.set_type_codec(
            "json", schema="pg_catalog", format="binary", encoder=msgspec.json.encode, decoder=msgspec.json.decode
        )
        await connection.set_type_codec(
            "jsonb", schema="pg_catalog", format="binary", encoder=_encode_jsonb, decoder=_decode_jsonb
        )
    except BaseException:
        connection.terminate()
        raise


def _encode_jsonb(value: Any) -> bytes:
    return _JSONB_VERSION + msgspec.json.encode(value)


def _decode_jsonb(data: bytes) -> Any:
    return msgspec.json.decode(data[1:])
