"""Staging: how bytes in the object store become part of a commit.

Two systems cannot commit together, so only one of them decides. An upload is recorded in PostgreSQL first, under a
random id; then its bytes are stored, below a prefix that the id gives; then the command's transaction turns the record
into a kept object, beside the rows that refer to it. Killed at any point before that commit, there is a record without
an owner, and the sweeper deletes the bytes and then the record. After the commit there is an object, with all of its
bytes, because they were durable before the transaction began.

The way back is the same: `discard` turns the object into an expired upload, in the transaction that no longer wants it.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

import msgspec

from headwater.clock import Clock, SystemClock
from headwater.commit import Tx
from headwater.db import Db
from headwater.db.session import Reads
from headwater.objects.errors import BytesLost, NoObject, UploadExpired
from headwater.objects.parts import Part, prefix_of, slices
from headwater.objects.store import Objects
from headwater.types import Row

BEGIN: Final = "insert into headwater.upload (id, expires_at) values ($1, $2) returning id"
DROP: Final = "delete from headwater.upload where id = $1 returning id"
KEEP: Final = """
with taken as (delete from headwater.upload where id = $1 returning id)
insert into headwater.object (id, size, media_type, sha256, filename, parts)
select id, $2, $3, $4, $5, $6::text::jsonb from taken
"""
FIND: Final = "select id, size, media_type, sha256, filename, parts, created_at from headwater.object where id = $1"
DISCARD: Final = """
with given_up as (delete from headwater.object where id = $1 returning id)
insert into headwater.upload (id, expires_at) select id, now() from given_up
"""


class Kept(Row):
    """An object that a command has kept; it never changes."""

    id: UUID
    size: int
    media_type: str
    sha256: bytes | None
    filename: str | None
    parts: list[Part]
    created_at: datetime


class Staging:
    """Uploads on their way into the store. `db` may write; `keep` is how long an upload may wait for its commit."""

    def __init__(self, db: Db, objects: Objects, keep: timedelta, clock: Clock | None = None) -> None:
        self.db = db
        self.objects = objects
        self.keep = keep
        self._clock = clock or SystemClock()

    async def begin(self) -> UUID:
        """Record an upload whose bytes are about to arrive."""
        return await self.db.one(UUID, BEGIN, uuid4(), self.expiry())

    async def put(self, id: UUID, content: bytes | bytearray, at: int) -> Part:
        """Store a piece that begins at byte `at`; its name is its own, so that no other writer can replace it."""
        part = Part(f"{at}-{uuid4().hex[:12]}", len(content))
        await self.objects.put(f"{prefix_of(id)}/{part.name}", bytes(content))
        return part

    async def remove(self, id: UUID, part: Part) -> None:
        """Delete a piece that did not become part of anything."""
        await self.objects.delete(f"{prefix_of(id)}/{part.name}")

    async def drop(self, id: UUID) -> None:
        """Forget an upload and delete its bytes, unless it has been kept meanwhile."""
        if await self.db.maybe(UUID, "select id from headwater.upload where id = $1 for update", id) is not None:
            await self.objects.delete_below(prefix_of(id))
            await self.db.maybe(UUID, DROP, id)

    def now(self) -> datetime:
        """The time by which uploads expire."""
        return self._clock.now()

    def expiry(self) -> datetime:
        """When an upload that begins now is swept."""
        return self.now() + self.keep


async def keep(
    tx: Tx, id: UUID, parts: Sequence[Part], *, size: int, media_type: str, sha256: bytes | None, filename: str | None
) -> None:
    """Make an upload an object, as part of the transaction; raises `UploadExpired` if it has been swept."""
    written = msgspec.json.encode(parts).decode()
    if await tx.run(KEEP, id, size, media_type, sha256, filename, written) != 1:
        raise UploadExpired(id=id)


async def find(db: Reads, id: UUID) -> Kept | None:
    """The object, or None if none is kept under this id."""
    return await db.maybe(Kept, FIND, id)


async def discard(tx: Tx, id: UUID) -> bool:
    """Give an object up, as part of the transaction; its bytes are swept after the commit. False if there is none."""
    return await tx.run(DISCARD, id) == 1


async def stream_parts(
    objects: Objects, id: UUID, parts: Sequence[Part], start: int, stop: int
) -> AsyncGenerator[bytes, None]:
    """The bytes from `start` to before `stop`, across the parts; raises `BytesLost` if one of them is gone."""
    for each in slices(parts, start, stop):
        key = f"{prefix_of(id)}/{each.name}"
        try:
            async with aclosing(objects.stream(key, each.start, each.stop)) as pieces:
                async for piece in pieces:
                    yield piece
        except NoObject as error:
            raise BytesLost(id=id, key=key, place=objects.place) from error
