"""A backlog: transactions of one event each, committed by pgbench, waiting in the WAL for whoever decodes it."""

from pathlib import Path
from uuid import UUID

import asyncpg

from bench.process import run_command
from headwater.clock import SystemClock
from headwater.commit import Origin, write_envelope
from headwater.engines.programs import find_postgres
from headwater.types import Event

CLIENTS = 8

_KEY = UUID("01933c5c-0000-7000-8000-000000000000")
"""Stands for the key until PostgreSQL puts a random one there."""

_COMMIT_ONE = (
    "select pg_logical_emit_message(true, 'headwater', replace('{event}', '{key}', gen_random_uuid()::text));\n"
)
_COMMIT_MANY = """
select count(pg_logical_emit_message(true, 'headwater', replace('{event}', '{key}', gen_random_uuid()::text)))
  from generate_series(1, $1::int)
"""


class OrderPlaced(Event, key="product"):
    """As in the reference app."""

    order: UUID
    product: UUID
    quantity: int


def envelope() -> str:
    """An event as a command commits it."""
    event = OrderPlaced(order=UUID(int=1), product=_KEY, quantity=1)
    return write_envelope(event, Origin(app="shop", command="place_order"), SystemClock()).decode()


async def commit_one_by_one(url: str, transactions: int, folder: Path) -> int:
    """So many transactions (rounded down to the clients), each with one event of a random key; says how many."""
    each = max(transactions // CLIENTS, 1)
    script = folder / "backlog.sql"
    script.write_text(_COMMIT_ONE.format(event=envelope(), key=_KEY))
    # Their commits need not be durable one by one: what is measured begins with WAL that is there.
    await run_command(
        [find_postgres().postgres.with_name("pgbench"), "--no-vacuum", "--protocol=prepared", f"--file={script}",
         f"--client={CLIENTS}", f"--transactions={each}", url],
        environ={"PGOPTIONS": "-c synchronous_commit=off"},
    )  # fmt: skip
    return each * CLIENTS


async def commit_at_once(url: str, events: int) -> None:
    """One transaction with so many events."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(_COMMIT_MANY.format(event=envelope(), key=_KEY), events)
    finally:
        await connection.close()
