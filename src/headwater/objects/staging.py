"""Staging: how bytes in the object store become part of a commit.

PostgreSQL and the store cannot commit together, so PostgreSQL alone decides. An upload is recorded in PostgreSQL
first, under a random id; then its bytes are stored, below a prefix derived from the id; then the command's transaction
turns the record into a kept object, beside the rows that refer to it (`headwater.objects.kept`). A crash before that
commit leaves a record without an owner: the sweeper deletes the bytes, then the record. After the commit there is an
object with all of its bytes, because they were durable before the transaction began.

Discarding works the same way: `kept.discard` turns the object into an expired upload, in the transaction that gives it
up.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from headwater.clock import Clock, SystemClock
from headwater.db import Db
from headwater.objects.errors import BytesLost, NoObject
from headwater.objects.parts import StoredPart, prefix_of, slices
from headwater.objects.store import Objects

BEGIN: Final = "insert into headwater.upload (id, expires_at) values ($1, $2) returning id"
DROP: Final = "delete from headwater.upload where id = $1 returning id"


class Staging:
    """Uploads on their way into the store. `db` may write; an upload without a commit is swept after `keep`."""

    def __init__(self, db: Db, objects: Objects, keep: timedelta, clock: Clock | None = None) -> None:
        self.db = db
        self.objects = objects
        self.keep = keep
        self._clock = clock or SystemClock()

    async def begin(self) -> UUID:
        """Record an upload whose bytes are about to arrive."""
        return await self.db.one(UUID, BEGIN, uuid4(), self.expiry())

    async def put(self, id: UUID, content: bytes | bytearray, at: int) -> StoredPart:
        """Store a part that begins at byte `at`, under a unique name, so that no other writer can replace it."""
        part = StoredPart(f"{at}-{uuid4().hex[:12]}", len(content))
        await self.objects.put(f"{prefix_of(id)}/{part.name}", bytes(content))
        return part

    async def remove(self, id: UUID, part: StoredPart) -> None:
        """Delete a part that is not used."""
        await self.objects.delete(f"{prefix_of(id)}/{part.name}")

    async def drop(self, id: UUID) -> None:
        """Forget an upload and delete its bytes, unless a command has kept it meanwhile."""
        if await self.db.maybe(UUID, "select id from headwater.upload where id = $1 for update", id) is not None:
            await self.objects.delete_below(prefix_of(id))
            await self.db.maybe(UUID, DROP, id)

    def now(self) -> datetime:
        """The time by which uploads expire."""
        return self._clock.now()

    def expiry(self) -> datetime:
        """When an upload that begins now is swept."""
        return self.now() + self.keep


async def stream_parts(
    objects: Objects, id: UUID, parts: Sequence[StoredPart], start: int, stop: int
) -> AsyncGenerator[bytes, None]:
    """The bytes from `start` to before `stop`, across the parts; raises `BytesLost` if one of them is gone."""
    for each in slices(parts, start, stop):
        key = f"{prefix_of(id)}/{each.name}"
        try:
            async with aclosing(objects.stream(key, each.start, each.stop)) as pieces:
                async for piece in pieces:
                    yield piece
        except NoObject as error:
            raise BytesLost(id=id, key=key, location=objects.location) from error
