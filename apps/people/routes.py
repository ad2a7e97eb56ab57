"""HTTP: requests and responses.

Operations that show a secret take no idempotency key: the stored response would be a copy of the secret.
"""

from datetime import timedelta
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from apps.people import store
from apps.people.app import app
from apps.people.key import make_secret
from apps.people.rows import Joined, Key, MadeKey, NewKey, NewPerson, Person, PersonLeft, Profile
from headwater import Db, Limit, Problem, Tx

GRACE = timedelta(minutes=10)
"""How long a rotated key is still valid, so that a client that lost the response can ask again."""


JOINING = Limit("joining", 600, per=3600, burst=300, by="address")


@app.command("POST /people", status=201, idempotency="none", limits=[JOINING])
async def join(tx: Tx, new: NewPerson) -> Joined:
    """Create an account. The key in the response is shown only once."""
    _require_zone(new.time_zone)
    person = await store.add_person(tx, new)
    key = await store.add_key(tx, person.id, "first", make_secret())
    return Joined(id=person.id, name=person.name, time_zone=person.time_zone, key=key)


@app.query("GET /people/me")
async def show_me(db: Db, person: Person) -> Profile:
    """The person that the key belongs to."""
    return await store.profile(db, person.uuid)


@app.command("DELETE /people/me")
async def leave(tx: Tx, person: Person) -> None:
    """Delete your account, here and, shortly after, in the other apps."""
    await store.remove_person(tx, person.uuid)
    tx.emit(PersonLeft(person=person.uuid))


@app.query("GET /people/me/keys")
async def list_keys(db: Db, person: Person) -> list[Key]:
    """The keys that are valid, without their secrets."""
    return await store.keys(db, person.uuid)


@app.command("POST /people/me/keys", status=201, idempotency="none")
async def make_key(tx: Tx, person: Person, new: NewKey) -> MadeKey:
    """Create another key, for a device or a program."""
    return await store.add_key(tx, person.uuid, new.label, make_secret())


@app.command("POST /people/me/keys/{id}/rotation", status=201, idempotency="none")
async def rotate_key(tx: Tx, person: Person, id: UUID) -> MadeKey:
    """Replace a key with a new one; the old one is valid for ten more minutes."""
    old = await store.valid_key(tx, person.uuid, id)
    await store.expire_key(tx, old.id, GRACE)
    return await store.add_key(tx, person.uuid, old.label, make_secret())


@app.command("DELETE /people/me/keys/{id}")
async def revoke_key(tx: Tx, person: Person, id: UUID) -> None:
    """Revoke a key. If it is the last one, the account can no longer be used."""
    key = await store.valid_key(tx, person.uuid, id)
    await store.expire_key(tx, key.id, timedelta())


def _require_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Problem(422, errors=[{"detail": "There is no such time zone.", "pointer": "#/time_zone"}]) from None
