"""Types: rows, request bodies, and the principal."""

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
    """The principal: `id` is the person's UUID as a string; `time_zone` defines their days and months.

    A person is their own tenant: lists with ``tenant="owner"`` show each person their own rows.
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
    """The request to create an account."""

    name: Name
    time_zone: TimeZone = "UTC"


class Key(Row, table="people.key"):
    """A key without its secret. One with `expires_at` is valid until then."""

    id: UUID
    label: str
    made_at: datetime
    expires_at: datetime | None


class NewKey(Row, forbid_unknown_fields=True):
    """The request to create a key; `label` says what it is for."""

    label: Label


class MadeKey(Row):
    """A new key. `secret` is shown only once: send it as ``Authorization: Bearer <secret>``."""

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
    """A person has deleted their account; other apps delete that person's data."""

    person: UUID
