"""SQL, and nothing else: each function is one statement."""

from datetime import timedelta
from uuid import UUID

from apps.people.rows import Key, MadeKey, NewPerson, Person, Profile
from headwater import Db, Tx, digest_secret, uuid7

KEY = "id, label, made_at, expires_at"
PROFILE = "id, name, time_zone, joined_at"
VALID = "(expires_at is null or expires_at > now())"


async def add_person(tx: Tx, new: NewPerson) -> Profile:
    return await tx.one(
        Profile,
        f"insert into people.person (id, name, time_zone) values ($1, $2, $3) returning {PROFILE}",
        uuid7(),
        new.name,
        new.time_zone,
    )


async def profile(db: Db, person: UUID) -> Profile:
    return await db.one(Profile, f"select {PROFILE} from people.person where id = $1", person)


async def remove_person(tx: Tx, person: UUID) -> None:
    """With all keys."""
    await tx.run("delete from people.person where id = $1", person)


async def person_of(db: Db, secret: str) -> Person | None:
    """The owner of a key that is still valid."""
    return await db.maybe(
        Person,
        "select p.id::text as id, p.id::text as tenant, '{}'::text[] as scopes, p.time_zone"
        f" from people.key as k join people.person as p on p.id = k.person where k.digest = $1 and {VALID}",
        digest_secret(secret),
    )


async def keys(db: Db, person: UUID) -> list[Key]:
    """Those that are still valid."""
    return await db.all(Key, f"select {KEY} from people.key where person = $1 and {VALID} order by made_at, id", person)


async def valid_key(tx: Tx, person: UUID, id: UUID) -> Key:
    return await tx.one(
        Key, f"select {KEY} from people.key where person = $1 and id = $2 and {VALID} for update", person, id
    )


async def add_key(tx: Tx, person: UUID, label: str, secret: str) -> MadeKey:
    id = await tx.one(
        UUID,
        "insert into people.key (id, person, digest, label) values ($1, $2, $3, $4) returning id",
        uuid7(),
        person,
        digest_secret(secret),
        label,
    )
    return MadeKey(id=id, label=label, secret=secret)


async def expire_key(tx: Tx, id: UUID, after: timedelta) -> None:
    """Let the key expire after that time, or earlier if it was to expire earlier."""
    await tx.run(
        "update people.key set expires_at = least(expires_at, clock_timestamp() + $2) where id = $1", id, after
    )
