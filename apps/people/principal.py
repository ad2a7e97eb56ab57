"""Who is asking, found by the key that the request carries."""

from apps.people import store
from apps.people.key import is_secret
from apps.people.rows import Person
from headwater import Db


async def find(db: Db, secret: str) -> Person | None:
    """For ``Backend(…, identify=Bearer(find))``: whose key it is, or None if it is nobody's, expired or revoked."""
    return await store.person_of(db, secret) if is_secret(secret) else None
