"""One watermark row, as the lane that works on it sees it: claimed, moved, set aside beside.

Every statement says whose watermark in which layout it means; what the functions do stands in the SQL files beside
this module. All of them run on the connection of the caller's transaction.
"""

from datetime import datetime
from enum import Enum
from typing import Any, NamedTuple

from headwater.consumer.errors import WatermarkLost
from headwater.db.connection import Connection
from headwater.log import Position


class WatermarkKey(NamedTuple):
    """Which watermark: one consumer's, in one partition of one layout."""

    consumer: str
    partition: int
    generation: int


class ClaimOutcome(Enum):
    CLAIMED = "claimed"
    LOCKED = "locked"
    """Somebody else works there."""
    MOVED = "moved"
    """There is no such watermark any more: the layout changed, or the consumer was forgotten."""
    NONE = "none"
    """No key is due."""


class Claim(NamedTuple):
    """A locked watermark and what follows it."""

    outcome: ClaimOutcome
    watermark: bytes
    readable: bytes
    ended: bool
    """Nothing is left up to `readable` beyond these batches."""
    sets_aside: bool
    """Some key of this partition is in retry or parked."""
    due_at: datetime | None
    """When the next key in retry is to be tried."""
    batches: list[tuple[bytes, bytes]]
    """Last position and payload of each."""


class RetryClaim(NamedTuple):
    """A locked watermark and the oldest entry of a key whose time has come."""

    outcome: ClaimOutcome
    key: str
    failures: int
    position: bytes
    entry: bytes


_CLAIM = """
select outcome, watermark, readable, ended, sets_aside, due_at, lasts, payloads
  from headwater.claim($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""

_CLAIM_RETRY = "select outcome, failed_key, failures, place, body from headwater.claim_retry($1, $2, $3, $4, $5, $6)"

_ASIDE = """
select key from headwater.retry where consumer = $1 and partition = $2 and key = any($3)
union all
select key from headwater.parked where consumer = $1 and partition = $2 and key = any($3)
"""

_QUEUE_BEHIND = """
insert into headwater.queued (consumer, key, position, entry)
select $1, * from unnest($2::text[], $3::bytea[], $4::bytea[])
"""

_MOVE = """
update headwater.watermark set position = $5, moved_at = clock_timestamp()
 where consumer = $1 and partition = $2 and generation = $3 and position = $4
"""

_SET_ASIDE = "select headwater.set_aside($1, $2, $3, $4, $5, $6, $7, $8, $9)"

_APPLIED = "select headwater.applied($1, $2, $3, $4)"

_POSTPONE = "select headwater.postpone($1, $2, $3, $4, $5, $6, $7)"


async def claim(
    connection: Connection,
    watermark_key: WatermarkKey,
    *,
    known: Position | None,
    seen: Position | None,
    entries: int,
    bytes_: int,
    alone: bool,
    server_limit: str,
) -> Claim:
    """Lock the watermark, if nobody has, and read on from it; `known` and `seen` spare what was looked through.

    `alone` gives way as well while another partition of the consumer is worked on so.
    """
    row = await connection.fetchrow(
        _CLAIM, *watermark_key, _raw(known), _raw(seen), entries, bytes_, alone, server_limit
    )
    outcome, watermark, readable, ended, sets_aside, due_at, lasts, payloads = row
    batches = list(zip(lasts, payloads, strict=True)) if lasts else []
    return Claim(ClaimOutcome(outcome), watermark, readable, ended, sets_aside, due_at, batches)


async def claim_retry(
    connection: Connection, watermark_key: WatermarkKey, now: datetime, *, alone: bool, server_limit: str
) -> RetryClaim:
    """Lock the watermark, if nobody has, and read the entry that is to be tried again."""
    outcome, *rest = await connection.fetchrow(_CLAIM_RETRY, *watermark_key, now, alone, server_limit)
    return RetryClaim(ClaimOutcome(outcome), *rest)


async def keys_aside(connection: Connection, watermark_key: WatermarkKey, keys: list[str]) -> set[str]:
    """Those of `keys` that are in retry or parked."""
    return {row[0] for row in await connection.fetch(_ASIDE, watermark_key.consumer, watermark_key.partition, keys)}


async def queue_behind(
    connection: Connection, watermark_key: WatermarkKey, entries: list[tuple[str, bytes, bytes]]
) -> None:
    """Let entries (key, position, as in a batch) stand behind their keys' failed ones."""
    keys, positions, bodies = zip(*entries, strict=True)
    await connection.execute(_QUEUE_BEHIND, watermark_key.consumer, list(keys), list(positions), list(bodies))


async def move(connection: Connection, watermark_key: WatermarkKey, old: bytes, new: bytes) -> None:
    """Move the watermark; raises `WatermarkLost` if it is not at `old`, and then nothing may be committed."""
    if await connection.execute(_MOVE, *watermark_key, old, new) != "UPDATE 1":
        raise WatermarkLost(consumer=watermark_key.consumer, partition=watermark_key.partition)


async def set_aside(
    connection: Connection,
    watermark_key: WatermarkKey,
    *,
    old: bytes,
    failed: bytes,
    key: str,
    entry: bytes,
    retry_at: datetime | None,
    cause: str,
) -> bool:
    """Move over a failed entry and set its key aside, parked when there is no `retry_at`. A transaction of its own.

    False if the watermark was not at `old`.
    """
    return await _value(connection, _SET_ASIDE, *watermark_key, old, failed, key, entry, retry_at, cause) is True


async def applied(
    connection: Connection, watermark_key: WatermarkKey, key: str, position: bytes, now: datetime
) -> bool | None:
    """Take an entry out of the queue of its key: whether more stand behind it, or None if it was not there."""
    return await _value(connection, _APPLIED, watermark_key.consumer, key, position, now)  # type: ignore[no-any-return]


async def postpone(
    connection: Connection, watermark_key: WatermarkKey, key: str, failures: int, retry_at: datetime | None, cause: str
) -> bool:
    """Count one more failure of a key in retry; without `retry_at`, park it. A transaction of its own.

    False if somebody else has the watermark or has dealt with the key.
    """
    return await _value(connection, _POSTPONE, *watermark_key, key, failures, retry_at, cause) is True


async def _value(connection: Connection, sql: str, *args: Any) -> Any:
    return await connection.fetchval(sql, *args)


def _raw(position: Position | None) -> bytes | None:
    return None if position is None else bytes(position)
