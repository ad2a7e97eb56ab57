"""Kept objects: what a command makes of an upload, in its transaction, and gives up again in another."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from headwater.commit import Tx
from headwater.db.session import Reads
from headwater.objects.errors import UploadExpired
from headwater.objects.parts import StoredPart
from headwater.types import Row

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


class KeptObject(Row):
    """An object that a command has kept; it never changes."""

    id: UUID
    size: int
    media_type: str
    sha256: bytes | None
    filename: str | None
    parts: list[StoredPart]
    created_at: datetime


async def keep(
    tx: Tx,
    id: UUID,
    parts: Sequence[StoredPart],
    *,
    size: int,
    media_type: str,
    sha256: bytes | None,
    filename: str | None,
) -> None:
    """Turn an upload into an object, as part of the transaction; raises `UploadExpired` if it has been swept."""
    written = msgspec.json.encode(parts).decode()
    if await tx.run(KEEP, id, size, media_type, sha256, filename, written) != 1:
        raise UploadExpired(id=id)


async def find(db: Reads, id: UUID) -> KeptObject | None:
    """The object, or None if none is kept under this id."""
    return await db.maybe(KeptObject, FIND, id)


async def discard(tx: Tx, id: UUID) -> bool:
    """Give up an object, as part of the transaction; its bytes are swept after the commit. False if there is none."""
    return await tx.run(DISCARD, id) == 1
