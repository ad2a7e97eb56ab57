"""What is stored, what is shown, and who is asking."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from headwater import Event, Meta, Principal, Row

Name = Annotated[str, Meta(min_length=1, max_length=200, examples=["Ada Lovelace"])]
TimeZone = Annotated[
    str, Meta(max_length=64, description="A name of the IANA time zone database.", examples=["Europe/Berlin"])
]
Label = Annotated[str, Meta(min_length=1, max_length=100, examples=["laptop"])]


class Person(Principal, frozen=True):
    """Who is asking: `id` is the person's UUID as text, and the months and days of `time_zone` are theirs.

    The tenant of a person is the person: lists with ``tenant="owner"`` show each their own.
    """

    time_zone: str = "UTC"

    @property
    def uuid(self) -> UUID:
        return UUID(self.id)


class Profile(Row, table="people.person"):
    """A person, as they see themselves."""

    id: UUID
    name: str
    time_zone: str
    joined_at: datetime


class NewPerson(Row, forbid_unknown_fields=True):
    """Who wants to join."""

    name: Name
    time_zone: TimeZone = "UTC"


class Key(Row, table="people.key"):
    """A key without its secret. One with `expires_at` is valid until then."""

    id: UUID
    label: str
    made_at: datetime
    expires_at: datetime | None


class NewKey(Row, forbid_unknown_fields=True):
    """What a key is for."""

    label: Label


class MadeKey(Row):
    """A new key. `secret` is shown this once: send it as ``Authorization: Bearer <secret>``."""

    id: UUID
    label: str
    secret: str


class Joined(Row):
    """A new person, with the first key."""

    id: UUID
    name: str
    time_zone: str
    key: MadeKey


class PersonLeft(Event, key="person"):
    """A person is gone; what other apps hold of theirs is theirs to forget."""

    person: UUID
