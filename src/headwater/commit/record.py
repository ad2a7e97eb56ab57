"""The stored response of a command under its idempotency key: a row of headwater.idempotency.

A key is claimed by a transaction-level advisory lock, not by a row: its holder executes, others wait for the end of
the holder's transaction, and a crash releases it. The row is written once, complete, in the command's own transaction,
so a command that fails leaves nothing to clean up. The primary key is the second safeguard: even without the lock, a
key cannot be committed twice.

The row is read by a statement of its own, after the lock. Each statement of a read committed transaction sees what was
committed before it began, and the commit of the former holder became visible before its lock was released.
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
    """`scope` is a digest of principal, operation and key, `fingerprint` one of the request; SHA-256, 32 bytes each."""

    scope: bytes
    fingerprint: bytes

    def __post_init__(self) -> None:
        if len(self.scope) != 32 or len(self.fingerprint) != 32:
            raise ValueError("scope and fingerprint must have 32 bytes each")

    @property
    def lock(self) -> int:
        """The advisory lock of the scope, a bigint; two scopes with the same lock only wait for each other."""
        return int.from_bytes(self.scope[:8], "big", signed=True)


class Stored(msgspec.Struct, frozen=True):
    """A response that can be replayed: status, headers and body, byte for byte."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class Replay(msgspec.Struct, frozen=True):
    """A command that was executed before, under the same key; `answer` is its stored response."""

    answer: Stored


class Record(msgspec.Struct, frozen=True):
    """A row of headwater.idempotency, without its key."""

    fingerprint: bytes
    answer: Stored
    created_at: datetime


_encode_headers = msgspec.json.Encoder().encode
_decode_headers = msgspec.json.Decoder(list[tuple[str, str]]).decode


def write_headers(answer: Stored) -> bytes:
    """The headers as stored: JSON ``[[name, value], …]``."""
    return _encode_headers(answer.headers)


def read_record(fingerprint: bytes, status: int, headers: bytes, body: bytes, created_at: datetime) -> Record:
    """The record from the columns of `READ`."""
    return Record(fingerprint, Stored(status, _decode_headers(headers), body), created_at)
