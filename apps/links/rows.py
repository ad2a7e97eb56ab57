"""What the app stores, what it shows, and the facts that it announces."""

from datetime import date, datetime
from typing import Annotated, Literal

from msgspec import UNSET, UnsetType

from headwater import Event, Meta, Row

Alias = Annotated[
    str,
    Meta(
        min_length=3,
        max_length=40,
        pattern="^[a-z0-9][a-z0-9-]*$",
        description="A name of your own: lower-case letters, digits and hyphens, no hyphen first.",
        examples=["spring-sale"],
    ),
]
Target = Annotated[
    str, Meta(min_length=10, max_length=2048, description="An http or https URL.", examples=["https://example.com/a"])
]
Status = Annotated[
    Literal[301, 302],
    Meta(description="301 lets browsers remember the target for an hour, 302 asks here every time and counts all."),
]
Expiry = Annotated[datetime, Meta(tz=True, description="From this moment on the link answers 410.")]


class Link(Row, table="links.link"):
    """A short link. One that nobody owns cannot be changed."""

    code: str
    target: str
    status: Status
    expires_at: datetime | None
    blocked: bool
    owner: str | None
    revision: int
    made_at: datetime
    changed_at: datetime


class NewLink(Row, forbid_unknown_fields=True):
    """What is to become a link. Without an alias it gets a code of seven random letters and digits."""

    target: Target
    alias: Alias | None = None
    status: Status = 302
    expires_at: Expiry | None = None


class LinkChange(Row, forbid_unknown_fields=True):
    """What is to become different; what is left out stays."""

    target: Target | UnsetType = UNSET
    status: Status | UnsetType = UNSET
    expires_at: Expiry | UnsetType | None = UNSET


class Lead(Row):
    """Where a link leads, as the redirect needs to know it. `seconds` are those until it expires."""

    target: str
    status: int
    gone: bool
    blocked: bool
    seconds: int | None


class BlockedHost(Row, table="links.blocked_host"):
    """No link leads to this host, nor to any below it."""

    host: str
    reason: str
    blocked_at: datetime


class Day(Row):
    """How often a link was followed on one day, in UTC."""

    day: date
    count: int


class Statistics(Row):
    """How often a link was followed: in all, and on the days of a range on which it was at all."""

    code: str
    total: int
    days: list[Day]


class LinkAimed(Event, key="host"):
    """A link leads to this host from now on: it is new, or was changed."""

    code: str
    host: str


class LinkFollowed(Event, key="code"):
    """Somebody was led on."""

    code: str
    at: datetime
