"""The state of a resumable upload: one row, the source of truth.

Bytes are durable in the store before the position advances, and it advances only from the position that the writer
expects. So of concurrent requests that append to one upload, including one whose connection was lost, exactly one
writes each range, and the others get an error.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

import msgspec

from headwater.commit import Tx
from headwater.db import Db
from headwater.objects.parts import StoredPart, size_of
from headwater.types import Row

_BEGIN: Final = """
with begun as (insert into headwater.upload (id, expires_at) values ($1, $2))
insert into headwater.resumable (id, route, owner, length, metadata, expires_at) values ($1, $3, $4, $5, $6, $2)
returning id, length, position, parts, metadata, expires_at, finished_at is not null as finished
"""
_FIND: Final = """
select id, length, position, parts, metadata, expires_at, finished_at is not null as finished
from headwater.resumable where id = $1 and route = $2 and owner is not distinct from $3 and expires_at > $4
"""
_APPEND: Final = """
with moved as (
    update headwater.resumable
    set position = position + $3, parts = parts || $4::text::jsonb, length = coalesce(length, $5), expires_at = $6
    where id = $1 and position = $2 and finished_at is null
    returning id
)
update headwater.upload set expires_at = $6 from moved where upload.id = moved.id returning upload.id
"""
_FINISH: Final = """
update headwater.resumable
set position = position + $3, parts = parts || $4::text::jsonb, length = position + $3, finished_at = now()
where id = $1 and position = $2 and finished_at is null
"""
_FORGET: Final = """
delete from headwater.resumable where id = $1 and finished_at is null returning id
"""


class UploadState(Row):
    """One resumable upload. `position` is how many bytes are durable, `length` how many there will be, if known."""

    id: UUID
    length: int | None
    position: int
    parts: list[StoredPart]
    metadata: str
    expires_at: datetime
    finished: bool


async def begin(
    db: Db, route: str, owner: str | None, length: int | None, metadata: str, expires_at: datetime
) -> UploadState:
    """Record a new upload under a random id."""
    return await db.one(UploadState, _BEGIN, uuid4(), expires_at, route, owner, length, metadata)


async def find(db: Db, id: UUID, route: str, owner: str | None, now: datetime) -> UploadState | None:
    """The upload, if it is this owner's and has not expired by `now`."""
    return await db.maybe(UploadState, _FIND, id, route, owner, now)


async def append(
    db: Db, state: UploadState, position: int, parts: Sequence[StoredPart], length: int | None, expires_at: datetime
) -> bool:
    """Record parts that are in the store; False if the position differs, or the upload no longer exists."""
    arguments = (state.id, position, size_of(parts), _written(parts), length, expires_at)
    return await db.maybe(UUID, _APPEND, *arguments) is not None


async def finish(tx: Tx, state: UploadState, position: int, parts: Sequence[StoredPart]) -> bool:
    """Record the last parts, in the transaction that keeps the upload; False if another request was faster."""
    return await tx.run(_FINISH, state.id, position, size_of(parts), _written(parts)) == 1


async def forget(db: Db, id: UUID) -> bool:
    """Delete an upload that is not finished; False if it is."""
    return await db.maybe(UUID, _FORGET, id) is not None


def _written(parts: Sequence[StoredPart]) -> str:
    return msgspec.json.encode(parts).decode()
