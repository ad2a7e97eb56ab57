"""The hostile workload: writers whose every transaction also writes down the truth.

Interleaved commits, savepoints rolled back, COPY (many rows at one LSN), messages between rows, whole transactions
rolled back, and transactions larger than what the decoder keeps in memory.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from uuid import UUID, uuid4

import asyncpg

from headwater.clock import SystemClock
from headwater.commit import PREFIX, Origin, write_envelope
from tests.crash.facts import Fact, Moved

KEYS = 64
_ORIGIN = Origin(app="crash", command="move")
_EMIT = "select pg_logical_emit_message(true, $1::text, $2::bytea)"
_STEP = "update crash.key set seq = seq + 1 where key = $1 returning seq"
_WRITE = "insert into crash.ledger (event, tx, ordinal, key, seq) values ($1, $2, $3, $4, $5)"
_CLOCK = SystemClock()
_PASSING = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.OperatorInterventionError,  # shutdown, crash recovery, a terminated backend
)
"""What a fault does to a writer; anything else is a mistake of the workload's."""


class Writer:
    """One connection that commits, rolls back and is killed, until told to stop."""

    def __init__(self, connection: asyncpg.Connection, dice: random.Random) -> None:
        self._connection = connection
        self._dice = dice
        self._shapes: list[tuple[Callable[[], Awaitable[None]], int]] = [
            (self.plain, 12),
            (self.savepoints, 4),
            (self.rolled_back, 2),
            (self.copied, 3),
            (self.messages_after_rows, 3),
            (self.large, 1),
        ]

    async def run(self, stop: asyncio.Event) -> None:
        shapes, weights = zip(*self._shapes, strict=True)
        while not stop.is_set():
            (shape,) = self._dice.choices(shapes, weights)
            await shape()

    async def plain(self) -> None:
        async with self._connection.transaction():
            tx = uuid4()
            for ordinal, key in enumerate(self._keys(5)):
                await self._emit(await self._write(tx, ordinal, key))
                await asyncio.sleep(self._dice.random() * 0.002)

    async def savepoints(self) -> None:
        async with self._connection.transaction():
            tx, ordinal = uuid4(), 0
            for key in self._keys(6):
                point = self._connection.transaction()
                await point.start()
                await self._emit(await self._write(tx, ordinal, key))
                if self._dice.random() < 0.5:
                    await point.rollback()
                else:
                    await point.commit()
                    ordinal += 1

    async def rolled_back(self) -> None:
        whole = self._connection.transaction()
        await whole.start()
        tx = uuid4()
        for ordinal, key in enumerate(self._keys(4)):
            await self._emit(await self._write(tx, ordinal, key))
        await whole.rollback()

    async def copied(self) -> None:
        """The ledger's rows come by COPY, so that all of them carry one LSN."""
        async with self._connection.transaction():
            tx = uuid4()
            facts = [
                Fact(uuid4(), tx, ordinal, key, await self._step(key)) for ordinal, key in enumerate(self._keys(20))
            ]
            await self._connection.copy_records_to_table(
                "ledger", schema_name="crash", records=facts, columns=list(Fact._fields)
            )
            for fact in facts:
                await self._emit(fact)

    async def messages_after_rows(self) -> None:
        """A message can share its LSN with the row that follows it."""
        async with self._connection.transaction():
            tx = uuid4()
            before: Fact | None = None
            for ordinal, key in enumerate(self._keys(5)):
                fact = await self._write(tx, ordinal, key)
                if before is not None:
                    await self._emit(before)
                before = fact
            if before is not None:
                await self._emit(before)

    async def large(self) -> None:
        async with self._connection.transaction():
            tx = uuid4()
            for ordinal, key in enumerate(self._keys(KEYS)):
                await self._emit(await self._write(tx, ordinal, key), padding="x" * self._dice.randint(1_000, 20_000))

    async def _write(self, tx: UUID, ordinal: int, key: int) -> Fact:
        fact = Fact(uuid4(), tx, ordinal, key, await self._step(key))
        await self._connection.execute(_WRITE, *fact)
        return fact

    async def _step(self, key: int) -> int:
        return int(await self._connection.fetchval(_STEP, key))

    async def _emit(self, fact: Fact, padding: str = "") -> None:
        event = Moved(key=fact.key, seq=fact.seq, tx=fact.tx, ordinal=fact.ordinal, event=fact.event, padding=padding)
        await self._connection.execute(_EMIT, PREFIX, write_envelope(event, _ORIGIN, _CLOCK))

    def _keys(self, most: int) -> list[int]:
        """Some keys in one order for all writers, so that their row locks cannot deadlock."""
        return sorted(self._dice.sample(range(KEYS), self._dice.randint(1, most)))


async def write_until(url: str, stop: asyncio.Event, *, writers: int, seed: int) -> None:
    """Run some writers on connections of their own; each comes back when PostgreSQL does."""
    await asyncio.gather(*(_keep_writing(url, stop, random.Random(seed + number)) for number in range(writers)))


async def _keep_writing(url: str, stop: asyncio.Event, dice: random.Random) -> None:
    while not stop.is_set():
        try:
            connection = await asyncpg.connect(url, timeout=5)
        except _PASSING:
            await asyncio.sleep(0.05)
            continue
        try:
            await Writer(connection, dice).run(stop)
        except _PASSING:
            continue
        finally:
            connection.terminate()
