"""A log written without a relay: entries at positions that the test chooses."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

import asyncpg
import msgspec

from headwater.log import EVENT, Entry, Position, Segments, partition_of, write_entry
from tests.integration.wal.harness import Log, envelope

SPAN = 1000


class Writer:
    """Appends batches and moves the head as the relay would; its segments are `SPAN` bytes of LSN long."""

    def __init__(self, log: Log, partitions: int = 4) -> None:
        self._log = log
        self._partitions = partitions
        self._segments = Segments(log.connection, SPAN)

    async def begin(self, epoch: int = 1) -> None:
        """An empty log."""
        connection = self._log.connection
        await connection.execute(
            "insert into headwater.layout values (1, $1, $2) on conflict do nothing",
            self._partitions,
            bytes(Position(0, 0, 0)),
        )
        await connection.execute(
            "insert into headwater.log values ($1, $2, '0/1', '3', 1, 1, 'test', 1)",
            self._log.slot,
            bytes(Position(epoch, 0, 0)),
        )

    async def append(self, *numbers: int, epoch: int = 1) -> None:
        """One append; each number is an event, the LSN of its commit, and its key ``k<number>``."""
        batches: dict[int, list[int]] = {}
        for number in numbers:
            batches.setdefault(partition_of(f"k{number}", self._partitions), []).append(number)
        for partition, batch in batches.items():
            await self.write(partition, [(Position(epoch, n, 0), EVENT, envelope(n, f"k{n}").encode()) for n in batch])
        await self.move(Position(epoch, max(numbers), 0))

    async def write(self, partition: int, entries: Sequence[tuple[Position, int, bytes]]) -> None:
        """One batch, beyond the head until that moves."""
        payload = bytearray()
        for position, kind, body in entries:
            write_entry(payload, Entry(position, kind, body, position.commit_lsn))
        last, first = entries[-1][0], entries[0][0]
        await self._segments.ensure(last)
        await self._log.connection.execute(
            "insert into headwater.batch (partition, last, first, count, payload) values ($1, $2, $3, $4, $5)",
            partition,
            bytes(last),
            bytes(first),
            len(entries),
            bytes(payload),
        )

    async def move(self, position: Position) -> None:
        await self._log.connection.execute("update headwater.log set position = $1", bytes(position))

    async def age(self, *numbers: int, by: timedelta) -> None:
        """Let the batches that hold these numbers be older."""
        for number in numbers:
            await self._log.connection.execute(
                "update headwater.batch set appended_at = appended_at - $1::interval where last = $2",
                by,
                bytes(Position(1, number, 0)),
            )


async def add_consumer(connection: asyncpg.Connection, name: str, start: Position | None = None) -> None:
    await connection.execute("select headwater.register($1, $1, $2)", name, None if start is None else bytes(start))


async def apply_upto(connection: asyncpg.Connection, name: str, position: Position, partitions: Iterable[int]) -> None:
    await connection.execute(
        "update headwater.watermark set position = $2 where consumer = $1 and partition = any ($3)",
        name,
        bytes(position),
        list(partitions),
    )


def change(table: str, operation: str, id: str) -> bytes:
    return msgspec.json.encode({"table": table, "operation": operation, "key": {}, "row": {}, "id": id})
