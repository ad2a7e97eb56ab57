"""Demo data: one person, whose key is shown on the start screen."""

from apps.people import store
from apps.people.key import make_secret
from apps.people.rows import Joined, NewPerson
from headwater import Tx


async def plant_person(tx: Tx, name: str = "Ada Lovelace", time_zone: str = "Europe/London") -> Joined:
    """A person to try it with."""
    person = await store.add_person(tx, NewPerson(name=name, time_zone=time_zone))
    key = await store.add_key(tx, person.id, "demo", make_secret())
    return Joined(id=person.id, name=person.name, time_zone=person.time_zone, key=key)


async def plant(tx: Tx) -> str:
    """Fill an empty backend; returns the text for the start screen."""
    joined = await plant_person(tx)
    return f"{joined.name} has an account, with the key {joined.key.secret}"
