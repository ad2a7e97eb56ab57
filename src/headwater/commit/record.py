"""What a command answered under its idempotency key, and how that is kept in headwater.idempotency.

A key is claimed by a transaction-level advisory lock, not by a row: whoever holds it decides, everybody else waits
for its transaction to end, and a crash releases it. The row is written once, complete, in the transaction of the
command itself, so that a command that fails leaves nothing to clean up. The primary key is the second line of
defence: whatever happened to the lock, one key cannot be committed twice.

The statement that looks for the row comes after the lock and not with it. Each statement of a read committed
transaction sees what was committed before it began, and the former owner became visible before it gave up the lock.
"""

from datetime import datetime

import msgspec

FIND = "select from headwater.idempotency where scope = $1"
READ = "select fingerprint, status, headers, body, created_at from headwater.idempotency where scope = $1"
FORGET = "delete from headwater.idempotency where scope = $1"
STORE = """
insert into headwater.idempotency (scope, fingerprint, status, headers, body, created_at)
values ($1, $2, $3, $4, $5, $6)
"""
LOCK = "select pg_advisory_xact_lock($1)"
PURGE = """
delete from headwater.idempotency where scope = any (array(
    select scope from headwater.idempotency where created_at <= $1 order by created_at limit $2 for update skip locked
))
"""


class IdempotencyKey(msgspec.Struct, frozen=True):
    """Who asked for what under which key, and a digest of the request; 32 bytes each, so SHA-256."""

    scope: bytes
    fingerprint: bytes

    def __post_init__(self) -> None:
        if len(self.scope) != 32 or len(self.fingerprint) != 32:
            raise ValueError("scope and fingerprint have 32 bytes each")

    @property
    def lock(self) -> int:
        """The advisory lock of the scope, a bigint; two scopes that share one merely wait for each other."""
        return int.from_bytes(self.scope[:8], "big", signed=True)


class Stored(msgspec.Struct, frozen=True):
    """An answer that can be given again: status, headers and body, byte for byte."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class Replay(msgspec.Struct, frozen=True):
    """A command that had been executed before, under the same key; `answer` is its answer of then."""

    answer: Stored


class Record(msgspec.Struct, frozen=True):
    """A row of headwater.idempotency, apart from its key."""

    fingerprint: bytes
    answer: Stored
    created_at: datetime


_encode_headers = msgspec.json.Encoder().encode
_decode_headers = msgspec.json.Decoder(list[tuple[str, str]]).decode


def write_headers(answer: Stored) -> bytes:
    """The headers as they are stored: JSON ``[[name, value], …]``."""
    return _encode_headers(answer.headers)


def read_record(fingerprint: bytes, status: int, headers: bytes, body: bytes, created_at: datetime) -> Record:
    """The record in the columns of `READ`."""
    return Record(fingerprint, Stored(status, _decode_headers(headers), body), created_at)
