"""A `Limit` allows N requests per period, counted per client; `by=` says what identifies a client."""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from ipaddress import IPv6Address
from math import isfinite
from typing import Any, Final, Literal, get_args

import msgspec

from headwater.http.limit.gcra import Rate
from headwater.http.message.forwarded import read_address
from headwater.http.message.request import Request
from headwater.http.route.errors import HttpError

Whom = Literal["principal", "address", "everybody"]
By = Whom | Callable[[Request], str | None]

MOST_PER_SECOND: Final = 100_000
LONGEST_SECONDS: Final = 10 * 366 * 86_400
"""The longest time in which a burst refills: times stay far below 2^53 microseconds, which Lua counts exactly."""

_MICROSECONDS: Final = 1_000_000
_NAME: Final = re.compile(r"[a-z][a-z0-9_.-]{0,63}", re.ASCII)
_NETWORK_BITS: Final = 64


class LimitInvalid(HttpError):
    """The limit {name!r} is invalid: {reason}."""


class LimitsClash(HttpError):
    """{first!r} of {first_location} and {second!r} of {second_location} have the same name but differ. Rename one, or
    use one object for both."""


class Limit(msgspec.Struct, frozen=True):
    """``Limit("burst", 100, per=60)``: a hundred requests a minute for each principal.

    `quota` refills evenly within `per` seconds; `burst`, by default the whole quota, is how much of it can be used at
    once. So at most `burst` requests are allowed at once, and in the long run at most the quota. `name` identifies the
    limit in the RateLimit fields and in the counters: a Limit of several routes is one limit over all of them.

    `by` identifies a client: ``"principal"`` (its address if it is not authenticated), ``"address"`` (of IPv6 the first
    64 bits, the network of one customer), ``"everybody"`` for one counter over all clients, or a function of the
    request that returns a string, or None for a request that is not counted. Raises `LimitInvalid`.
    """

    name: str
    quota: int
    per: float = 60.0
    burst: int | None = None
    by: By = "principal"

    def __post_init__(self) -> None:
        if reason := self._reason():
            raise LimitInvalid(name=self.name, reason=reason)

    @property
    def rate(self) -> Rate:
        """The rate in whole microseconds, rounded up, so the quota is never exceeded."""
        interval = -(-round(self.per * _MICROSECONDS) // self.quota)
        return Rate(interval, self.burst or self.quota)

    @property
    def policy(self) -> str:
        """An item of RateLimit-Policy."""
        return f'"{self.name}";q={self.quota};w={max(1, round(self.per))}'

    def who(self, request: Request) -> str | None:
        """The client that a request is counted for; None if it is not counted."""
        if self.by == "principal":
            principal = request.principal
            return address_of(request) if principal is None else f"principal {principal.tenant!r} {principal.id}"
        if self.by == "address":
            return address_of(request)
        if self.by == "everybody":
            return "everybody"
        key = self.by(request)
        return None if key is None else named(key)

    def _reason(self) -> str | None:
        """Why the limit is invalid, or None."""
        if _NAME.fullmatch(self.name) is None:
            return "a name is made of lower-case letters, digits and . _ -, begins with a letter, and has at most 64"
        if not _counts(self.quota) or not (self.burst is None or _counts(self.burst)):
            return "quota and burst must be integers of at least 1"
        if not _measures(self.per):
            return "per must be a positive number of seconds"
        if self.quota > MOST_PER_SECOND * self.per:
            return f"its quota must not exceed {MOST_PER_SECOND:,} a second"
        if self.rate.depth > LONGEST_SECONDS * _MICROSECONDS:
            return "its burst takes more than ten years to refill"
        if not (callable(self.by) or self.by in get_args(Whom)):
            return f"by must be one of {', '.join(map(repr, get_args(Whom)))}, or a function of the request"
        return None


def check_limits(declared: Iterable[tuple[Limit, str]]) -> None:
    """Limits with their locations; raises `LimitsClash` for two different limits of one name."""
    known: dict[str, tuple[Limit, str]] = {}
    for limit, location in declared:
        first, first_location = known.setdefault(limit.name, (limit, location))
        if first != limit:
            raise LimitsClash(first=first, first_location=first_location, second=limit, second_location=location)


def named(key: str) -> str:
    """The client of a key that a function or a handler chose; never equal to a principal or an address."""
    return f"key {key}"


def address_of(request: Request) -> str:
    """The address that counts as one client; behind a socket without addresses all are one."""
    return network_of(request.client or "none")


@lru_cache(4096)
def network_of(address: str) -> str:
    """An IPv4 address itself, also inside IPv6; of IPv6 the network of 64 bits (RFC 6177: a site's smallest)."""
    found = read_address(address)
    if isinstance(found, IPv6Address):
        return f"network {IPv6Address(int(found) >> _NETWORK_BITS << _NETWORK_BITS)}"
    return f"address {found or address}"


def _counts(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _measures(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value) and value > 0
