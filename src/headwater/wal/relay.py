"""The relay: the one process per database that turns WAL into the log.

    walsender → stream → assembler → queue of fragments → gate → appender → acknowledge

Two tasks share a bounded queue: one reads and decodes, the other appends, so that Python works while PostgreSQL
writes. Traffic decides the size of a batch: what arrives during one append is the next one.

No state survives a reconnect. The slot says where to start, the head says what is already in the log, and every append
moves the head conditionally, so a crash at any point repeats nothing and loses nothing. The slot is acknowledged
only after the append has committed, and every standby has it.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

import asyncpg

from headwater.log import format_lsn
from headwater.observe import report
from headwater.wal.acknowledgement import Acknowledger
from headwater.wal.appender import Appender, AppendResult
from headwater.wal.assembler import HEARTBEAT_PREFIX, Assembler, Fragment
from headwater.wal.catalog import Catalog
from headwater.wal.occurrences import Appended, GateClosed, GatePassed
from headwater.wal.pgoutput import Relation
from headwater.wal.standby import read_replication
from headwater.wal.stream import ReplicationStream

QUEUE_BYTES: Final = 8 * 1024 * 1024
"""Entries that may wait for the appender before reading pauses."""
APPEND_BYTES: Final = 2 * 1024 * 1024
"""At most so many entries per append, unless a single transaction has more."""
HEARTBEAT_SECONDS: Final = 10.0
ADVANCE_BYTES: Final = 1024 * 1024
"""After so much WAL without entries, an idle relay moves the slot at once and does not wait for its heartbeat."""

_GATE_FIRST_WAIT_SECONDS = 0.0002
_GATE_LONGEST_WAIT_SECONDS = 0.01
_GATE_PATIENCE_SECONDS = 1.0


class Relay:
    """One life of the relay: from one connection to the next failure.

    `step` is called with the name of each step, for tests that kill the process exactly there: received,
    before append, appended, acknowledged.
    """

    def __init__(
        self,
        stream: ReplicationStream,
        appender: Appender,
        control: asyncpg.Connection,
        catalog: Catalog,
        *,
        step: Callable[[str], None] = lambda name: None,
    ) -> None:
        self._stream = stream
        self._appender = appender
        self._control = control
        self._catalog = catalog
        self._acknowledger = Acknowledger(stream.acknowledge, lambda: read_replication(control, appender.slot))
        self._step = step
        self._assembler = Assembler()
        self._queue: deque[Fragment] = deque()
        self._queued_bytes = 0
        self._dry = False
        self._arrived = asyncio.Event()
        self._room = asyncio.Event()
        self._seen_lsn = 0
        self._appended_at = time.monotonic()
        self._counts = {"transactions": 0, "entries": 0, "appends": 0, "gate_waits": 0}

    async def run(self) -> None:
        """Relay until cancelled. Raises what else ended it."""
        gone = asyncio.Event()
        self._control.add_termination_listener(lambda _: gone.set())
        lost = asyncio.create_task(gone.wait(), name="relay loses its connection")
        reading = asyncio.create_task(self._read(), name="relay reads")
        appending = asyncio.create_task(self._append(), name="relay appends")
        tasks: set[asyncio.Future[Any]] = {reading, appending, lost}
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for task in (appending, reading):
            if not task.cancelled() and (error := task.exception()) is not None:
                raise error
        raise ConnectionError("the connection that appends was closed")

    def statistics(self) -> dict[str, Any]:
        return {
            **self._counts,
            "position": str(self._appender.position),
            "scanned": format_lsn(self._appender.scanned),
            "acknowledged": format_lsn(self._stream.acknowledged),
            "queued_bytes": self._queued_bytes,
            "standbys_behind": self._acknowledger.standbys_behind(),
        }

    # Reading

    async def _read(self) -> None:
        feed, skip_to = self._assembler.feed, self._appender.position.commit_lsn
        while True:
            received = self._stream.read_nowait()
            if received is None:
                await self._wait_readable()
                continue
            for message in received.messages:
                product = feed(message)
                if product is None:
                    continue
                if isinstance(product, Relation):
                    await self._describe(product)
                elif product.commit_lsn > skip_to:
                    self._put(product)
            if received.keepalive_lsn is not None:
                self._seen_lsn = max(self._seen_lsn, received.keepalive_lsn)
            self._step("received")
            await self._wait_for_room()

    async def _wait_readable(self) -> None:
        """Everything that arrived is read: pass it to the appender."""
        self._dry = True
        self._arrived.set()
        await self._stream.wait_readable()
        self._dry = False

    async def _describe(self, relation: Relation) -> None:
        """Read the catalogs; meanwhile the appender has what was read so far."""
        self._dry = True
        self._arrived.set()
        self._assembler.describe(relation, await self._catalog.describe(relation, self._assembler.xid))
        self._dry = False

    def _put(self, fragment: Fragment) -> None:
        self._queue.append(fragment)
        self._queued_bytes += fragment.size

    async def _wait_for_room(self) -> None:
        if self._queued_bytes >= APPEND_BYTES:
            self._arrived.set()
        await asyncio.sleep(0)  # let other tasks run, however much there is to read
        while self._queued_bytes >= QUEUE_BYTES:
            self._room.clear()
            await self._room.wait()

    # Appending

    async def _append(self) -> None:
        while True:
            if self._acknowledger.is_due():
                await self._settle()
            if self._gathered():
                await self._append_group(self._take())
            else:
                await self._rest()

    def _gathered(self) -> bool:
        """Whether to append now. A batch that is not full waits while more can be read at once."""
        return bool(self._queue) and (self._dry or self._queued_bytes >= APPEND_BYTES)

    def _take(self) -> list[Fragment]:
        """The next group: as many complete transactions as fit, or one part of a transaction."""
        group = [self._queue.popleft()]
        size = group[0].size
        if group[0].end_lsn is not None:
            while self._queue and self._queue[0].end_lsn is not None and size < APPEND_BYTES:
                fragment = self._queue.popleft()
                group.append(fragment)
                size += fragment.size
        self._queued_bytes -= size
        self._room.set()
        return group

    async def _append_group(self, group: Sequence[Fragment]) -> None:
        if not any(fragment.drafts or fragment.marks for fragment in group):
            self._seen_lsn = max(self._seen_lsn, group[-1].end_lsn or 0)
            return
        while group:
            self._step("before append")
            begun = time.monotonic()
            if await self._appender.append(group) is AppendResult.APPENDED:
                self._after_append(group, time.monotonic() - begun)
                return
            visible = self._visible_prefix(group)
            if visible == 0:
                await self._wait_until_visible(group[0])
            else:
                await self._append_group(group[:visible])
                group = group[visible:]

    def _after_append(self, group: Sequence[Fragment], seconds: float) -> None:
        self._appended_at = time.monotonic()
        self._step("appended")
        self._acknowledger.appended(self._appender.scanned)
        transactions = sum(fragment.end_lsn is not None for fragment in group)
        entries = sum(len(fragment.drafts) for fragment in group)
        self._counts["transactions"] += transactions
        self._counts["entries"] += entries
        self._counts["appends"] += 1
        report(
            Appended(position=str(self._appender.position), transactions=transactions, entries=entries, seconds=seconds)
        )

    async def _settle(self) -> None:
        if await self._acknowledger.settle():
            self._step("acknowledged")

    # The gate

    def _visible_prefix(self, group: Sequence[Fragment]) -> int:
        """How many transactions at the head of the group the last snapshot sees."""
        snapshot = self._appender.snapshot
        for index, fragment in enumerate(group):
            if not snapshot.sees(snapshot.widen(fragment.xid)):
                return index
        return len(group)

    async def _wait_until_visible(self, fragment: Fragment) -> None:
        """Take snapshots, with backoff, until one sees the transaction."""
        self._counts["gate_waits"] += 1
        wait, begun, told = _GATE_FIRST_WAIT_SECONDS, time.monotonic(), False
        while self._visible_prefix([fragment]) == 0:
            await asyncio.sleep(wait)
            wait = min(wait * 2, _GATE_LONGEST_WAIT_SECONDS)
            await self._appender.look()
            waited = time.monotonic() - begun
            if waited > _GATE_PATIENCE_SECONDS and not told:
                report(GateClosed(waited_seconds=waited, xid=fragment.xid))
                told = True
        report(GatePassed(waited_seconds=time.monotonic() - begun, xid=fragment.xid))

    # Idle

    async def _rest(self) -> None:
        """Wait for work. Move the slot over WAL without entries; write a heartbeat when nothing has moved for long."""
        idle = self._seen_lsn - self._appender.scanned
        if idle >= ADVANCE_BYTES and not self._assembler.inside_transaction:
            await self._advance()
        self._arrived.clear()
        if self._gathered():
            return
        try:
            async with asyncio.timeout(max(self._rest_seconds(), 0)):
                await self._arrived.wait()
        except TimeoutError:
            if self._heartbeat_seconds() <= 0:
                await self._beat()

    def _rest_seconds(self) -> float:
        settle, heartbeat = self._acknowledger.seconds_left(), self._heartbeat_seconds()
        return heartbeat if settle is None else min(settle, heartbeat)

    def _heartbeat_seconds(self) -> float:
        return self._appended_at + HEARTBEAT_SECONDS - time.monotonic()

    async def _beat(self) -> None:
        self._appended_at = time.monotonic()
        await self._advance()
        await self._control.execute("select pg_logical_emit_message(true, $1, '')", HEARTBEAT_PREFIX.decode())

    async def _advance(self) -> None:
        if self._queue or self._assembler.inside_transaction or self._seen_lsn <= self._appender.scanned:
            return
        await self._appender.advance(self._seen_lsn)
        self._acknowledger.appended(self._appender.scanned)
