"""The ordinary connection that the relay works with, beside the replication stream."""

import asyncpg

CONNECT_SECONDS = 10.0

# What a role or a database may have been given for the sake of its other users, and would break the work here.
_SESSION = {
    "default_transaction_isolation": "read committed",
    "default_transaction_read_only": "off",
    "statement_timeout": "0",
    "lock_timeout": "0",
    "transaction_timeout": "0",
    "idle_session_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
}


async def connect_control(url: str, application_name: str) -> asyncpg.Connection:
    """Raises `OSError`, `TimeoutError` or an error of asyncpg's."""
    return await asyncpg.connect(
        url, timeout=CONNECT_SECONDS, server_settings={**_SESSION, "application_name": application_name}
    )
