"""Types: rows, request bodies, events."""

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
        description="A name that you choose: lower-case letters, digits and hyphens, not beginning with a hyphen.",
        examples=["spring-sale"],
    ),
]
Target = Annotated[
    str, Meta(min_length=10, max_length=2048, description="An http or https URL.", examples=["https://example.com/a"])
]
Status = Annotated[
    Literal[301, 302],
    Meta(description="301: browsers cache the target for an hour. 302: every visit comes here and is counted."),
]
Expiry = Annotated[datetime, Meta(tz=True, description="From this time on the link gives 410.")]


class Link(Row, table="links.link"):
    """A short link. A link without an owner cannot be changed."""

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
    """The request to create a link. Without an alias it gets a code of seven random letters and digits."""

    target: Target
    alias: Alias | None = None
    status: Status = 302
    expires_at: Expiry | None = None


class LinkChange(Row, forbid_unknown_fields=True):
    """The changes to a link; omitted members stay as they are."""

    target: Target | UnsetType = UNSET
    status: Status | UnsetType = UNSET
    expires_at: Expiry | UnsetType | None = UNSET


class Lead(Row):
    """The target of a link, as the redirect needs it. `seconds` is the time until it expires."""

    target: str
    status: int
    gone: bool
    blocked: bool
    seconds: int | None


class BlockedHost(Row, table="links.blocked_host"):
    """No link may lead to this host, nor to any host below it."""

    host: str
    reason: str
    blocked_at: datetime


class Day(Row):
    """How often a link was followed on one day, in UTC."""

    day: date
    count: int


class Statistics(Row):
    """How often a link was followed: in total, and on each day of a range with at least one visit."""

    code: str
    total: int
    days: list[Day]


class LinkAimed(Event, key="host"):
    """A new or changed link leads to this host."""

    code: str
    host: str


class LinkFollowed(Event, key="code"):
    """A link was followed."""

    code: str
    at: datetime
