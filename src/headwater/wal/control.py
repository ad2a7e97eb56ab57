"""The relay's ordinary connection, beside the replication stream."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import asyncpg

from headwater.db import FOREIGN, translate
from headwater.db.connection import REFUSALS, refused

CONNECT_SECONDS = 10.0

UNLIMITED: Final = {
    "statement_timeout": "0",
    "lock_timeout": "0",
    "transaction_timeout": "0",
    "idle_session_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
}
"""Limits that a role or a database may set, and that would break the relay."""

_SESSION = {**UNLIMITED, "default_transaction_isolation": "read committed", "default_transaction_read_only": "off"}


async def connect_control(url: str, application_name: str) -> asyncpg.Connection:
    """Raises `DbError`; `Unavailable` when PostgreSQL is unreachable. Statements on it raise asyncpg's errors."""
    try:
        return await asyncpg.connect(
            url, timeout=CONNECT_SECONDS, server_settings={**_SESSION, "application_name": application_name}
        )
    except REFUSALS as error:
        raise refused(error) from error


@asynccontextmanager
async def control(url: str, application_name: str) -> AsyncIterator[asyncpg.Connection]:
    """Such a connection for the duration of a block. An asyncpg error in the block becomes a `DbError`."""
    connection = await connect_control(url, application_name)
    try:
        try:
            yield connection
        finally:
            await connection.close()
    except FOREIGN as error:
        raise translate(error) from error
