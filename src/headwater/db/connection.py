"""One connection to PostgreSQL, set up the way Headwater uses it.

The server enforces timeouts (lock, statement, idle transaction). The client enforces its own a little later, in case
the server no longer responds. JSON columns are Python values. Prepared statements are cached for the life of the
connection.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

import asyncpg
import msgspec

from headwater.db.errors import ConnectionLost, DbError, UrlInvalid
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
    """asyncpg's connection, with the state that the pool keeps about it."""

    __slots__ = ("dirty", "generation", "idle_since", "prepared", "unusable")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.dirty = False  # the session may hold state of its user: reset it before it is lent again
        self.unusable = False  # its prepared statements are lost or unknown: close it
        self.prepared: set[str] = set()  # names of the statements that its users prepared by hand
        self.generation = 0  # the pool's schema generation that its caches belong to
        self.idle_since = 0.0

    def mark_dirty(self, text: Traits) -> None:
        """Note that a text was sent which may leave state in the session."""
        self.dirty = True
        self.unusable = self.unusable or text.drops_statements

    async def prepare_by_name(self, name: str, sql: str) -> None:
        """Send the ``prepare`` statements of `sql`, once per connection; `name` identifies them in `prepared`."""
        try:
            await self.execute(sql)
        except BaseException:
            self.unusable = True  # whether they were prepared is unknown, and preparing them twice is an error
            raise
        self.prepared.add(name)

    def forget_schema(self) -> None:
        """Drop the cached types and statements; the next use of each asks the server again."""
        self._drop_local_type_cache()
        self._drop_local_statement_cache()

    async def leave(self) -> None:
        """Close in order, or terminate the connection if that fails."""
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
"""What connecting can raise; `ValueError` for a URL that asyncpg cannot parse."""


def refused(error: BaseException) -> DbError:
    """Our error for one of `REFUSALS`: `Unavailable` and not `ConnectionLost`, since there was no connection before."""
    if not isinstance(error, FOREIGN):
        return UrlInvalid()  # without the cause, which may contain the password
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
