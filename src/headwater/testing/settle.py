"""Settling: waits until everything committed so far, and everything that follows from it, has been applied.

It writes a mark into the WAL, waits until the relay has moved the head of the log over it, and then until the consumers
are there. Events that their handlers emitted come after the mark, so this repeats until nothing is between two marks.
"""

import asyncio
import time
from datetime import datetime
from typing import Final

from headwater.backoff import Backoff
from headwater.consumer import settled
from headwater.db import Connection, Pool
from headwater.errors import HeadwaterError
from headwater.log import Position, format_lsn, read_head
from headwater.wal.assembler import HEARTBEAT_PREFIX

_LOOK_AGAIN: Final = Backoff(first=0.002, most=0.04)

_MARK = f"select pg_logical_emit_message(true, '{HEARTBEAT_PREFIX.decode()}', '')"
_APPENDED = "select exists (select from headwater.batch where last > $1 and last <= $2)"


class RelayBehind(HeadwaterError):
    """After {seconds:g} seconds the relay is at {position} and has not reached {mark}, the last commit."""


async def settle(pool: Pool, slot: str, seconds: float, due_by: datetime | None = None) -> None:
    """With `due_by`, it does not wait for keys that are retried later than that.

    Raises `KeysParked`, `NotSettled` or `RelayBehind`.
    """
    deadline = time.monotonic() + seconds
    async with pool.acquire() as connection:
        before = await _pass_mark(connection, slot, seconds, deadline)
    while True:
        await settled(pool, upto=before, due_by=due_by, within=max(deadline - time.monotonic(), 0.0))
        async with pool.acquire() as connection:
            after = await _pass_mark(connection, slot, seconds, deadline)
            if not await connection.fetchval(_APPENDED, bytes(before), bytes(after)):
                return
        before = after


async def _pass_mark(connection: Connection, slot: str, seconds: float, deadline: float) -> Position:
    """Write a mark; returns the head of the log once it has passed the mark."""
    mark = int(await connection.fetchval(_MARK))
    looks = 0
    while True:
        head = (await read_head(connection, slot)).position
        if head.commit_lsn >= mark:
            return head
        if time.monotonic() > deadline:
            raise RelayBehind(seconds=seconds, position=head, mark=format_lsn(mark))
        looks += 1
        await asyncio.sleep(_LOOK_AGAIN.delay(looks))
