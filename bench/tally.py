"""The work of the `on` row: one upsert per event, the same statement on both sides."""

from collections.abc import Iterator

import asyncpg

from headwater.clock import SystemClock
from headwater.commit import PREFIX, Origin, write_envelope
from headwater.types import Event

KEYS = 1000
TABLE = """
create schema if not exists bench;
create table bench.tally (key text primary key, events bigint not null, amount bigint not null) with (fillfactor = 50);
"""
UPSERT = """
insert into bench.tally (key, events, amount) values ($1, 1, $2)
on conflict (key) do update set events = tally.events + 1, amount = tally.amount + excluded.amount
"""
_EMIT = f"select count(pg_logical_emit_message(true, '{PREFIX}', payload)) from unnest($1::bytea[]) payload"
_EVENTS_PER_COMMIT = 100


class Counted(Event, key="key"):
    """Something was counted under a key."""

    key: str
    amount: int


def counted(events: int) -> Iterator[Counted]:
    """So many events, spread over the keys."""
    for number in range(events):
        yield Counted(key=f"key-{number * 7919 % KEYS}", amount=number % 10)


async def commit_events(url: str, events: int) -> None:
    """Commit them, a hundred to a transaction."""
    origin, clock = Origin(app="bench", command="count"), SystemClock()
    payloads = [write_envelope(event, origin, clock) for event in counted(events)]
    connection = await asyncpg.connect(url)
    try:
        for first in range(0, events, _EVENTS_PER_COMMIT):
            await connection.execute(_EMIT, payloads[first : first + _EVENTS_PER_COMMIT])
    finally:
        await connection.close()


async def take_tally(url: str) -> int:
    """How many events were applied; the table is empty afterwards, and clean."""
    connection = await asyncpg.connect(url)
    try:
        applied = await connection.fetchval("select coalesce(sum(events), 0)::bigint from bench.tally")
        await connection.execute("truncate bench.tally")
        await connection.execute("checkpoint")
    finally:
        await connection.close()
    return int(applied)
