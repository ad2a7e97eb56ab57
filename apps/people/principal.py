"""Authentication: the person that the request's key belongs to."""

from apps.people import store
from apps.people.key import is_secret
from apps.people.rows import Person
from headwater import Db


async def find(db: Db, secret: str) -> Person | None:
    """For ``Backend(…, identify=Bearer(find))``: the key's owner, or None if it is unknown, expired or revoked."""
    return await store.person_of(db, secret) if is_secret(secret) else None
