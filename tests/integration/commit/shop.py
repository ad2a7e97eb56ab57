"""A command to execute, and what it leaves behind: orders, events, records."""

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import asyncpg
import msgspec

from headwater.commit import Committer, IdempotencyKey, Origin, Replay, Stored, Tx, read_envelope
from headwater.db import Pool
from headwater.types import Event
from tests.integration.db.servers import connected, execute

TABLE = "create table public.orders (id uuid primary key, number serial unique)"
SLOW_COMMIT = """
create function public.wait() returns trigger language plpgsql as
$$ begin perform pg_advisory_xact_lock_shared(77); return null; end $$;
create constraint trigger slow_commit after insert on public.orders deferrable initially deferred
for each row execute function public.wait();
"""
"""Makes a commit of an order wait for the advisory lock 77."""

ORIGIN = Origin("shop", "place_order", actor="ann")
KEEP = timedelta(hours=24)


class OrderPlaced(Event, key="order"):
    order: UUID
    part: int = 0


class PlaceOrder:
    """The work of a command: one row, one event, an answer that tells its id; counts how often it ran."""

    def __init__(self) -> None:
        self.runs = 0

    async def __call__(self, tx: Tx) -> Stored:
        self.runs += 1
        order = uuid4()
        await tx.run("insert into public.orders (id) values ($1)", order)
        tx.emit(OrderPlaced(order=order))
        return Stored(201, [("location", f"/orders/{order}")], str(order).encode())


class Outcome(NamedTuple):
    """What came of a command; `replayed` if it had been executed before and this is its answer of then."""

    answer: Stored
    replayed: bool


async def once(committer: Committer, work: Callable[[Tx], Awaitable[Stored]], key: IdempotencyKey | None) -> Outcome:
    """Execute `work`, whose result is what is stored: once for its key, if it has one."""
    if key is None:
        return Outcome(await committer.execute(work, ORIGIN), False)
    result = await committer.execute_once(work, ORIGIN, key, lambda answer: answer)
    return Outcome(result.answer, True) if isinstance(result, Replay) else Outcome(result, False)


def key(name: str, request: str = "a request") -> IdempotencyKey:
    return IdempotencyKey(hashlib.sha256(name.encode()).digest(), hashlib.sha256(request.encode()).digest())


@asynccontextmanager
async def shop(url: str, **options: Any) -> AsyncIterator[tuple[Pool, Committer]]:
    """A pool and a committer, as one process has them."""
    clock = options.pop("clock", None)
    wait = {"wait": options.pop("wait_for_leader")} if "wait_for_leader" in options else {}
    pool = await Pool.open(url, application_name="test", **options)
    try:
        yield pool, Committer(pool, clock, keep=KEEP, **wait)
    finally:
        await pool.close()


@asynccontextmanager
async def watched(url: str) -> AsyncIterator[asyncpg.Connection]:
    """The table of orders, and a connection that follows what is committed from now on."""
    await execute(url, TABLE)
    async with connected(url) as connection:
        await connection.execute("select pg_create_logical_replication_slot('watch', 'test_decoding', true)")
        yield connection


async def events(watch: asyncpg.Connection) -> list[OrderPlaced]:
    """The events committed since the last call, in the order of the WAL."""
    return [msgspec.json.decode(read_envelope(body).data, type=OrderPlaced) for body in await messages(watch)]


async def messages(watch: asyncpg.Connection) -> list[bytes]:
    """The payloads of the transactional messages committed since the last call."""
    # A slot reads what has been flushed, and without durability a commit does not wait for that.
    await watch.execute("select pg_logical_emit_message(false, 'fence', '', true)")
    rows = await watch.fetch("select data from pg_logical_slot_get_changes('watch', null, null)")
    found = [data.partition(" content:") for (data,) in rows if data.startswith("message: transactional: 1")]
    assert all("prefix: headwater" in head for head, _, _ in found)
    return [body.encode() for _, _, body in found]


async def orders(watch: asyncpg.Connection) -> list[UUID]:
    return [row["id"] for row in await watch.fetch("select id from public.orders order by number")]


async def records(watch: asyncpg.Connection) -> int:
    count: int = await watch.fetchval("select count(*) from headwater.idempotency")
    return count


async def assert_nothing(watch: asyncpg.Connection) -> None:
    assert (await orders(watch), await events(watch), await records(watch)) == ([], [], 0)
