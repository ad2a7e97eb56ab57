"""A limit, as it is declared: so much per so many seconds, for each of whom `by` tells apart."""

import re
from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import Final, Literal

import msgspec

from headwater.http.errors import HttpError
from headwater.http.limit.gcra import Pace
from headwater.http.request import Request

By = Literal["principal", "address", "everybody"] | Callable[[Request], str | None]

MOST_PER_SECOND: Final = 100_000

_MICROSECONDS: Final = 1_000_000
_NAME: Final = re.compile(r"[a-z][a-z0-9_.-]{0,63}", re.ASCII)
_NETWORK_BITS: Final = 64


class LimitInvalid(HttpError):
    """The limit {name!r} cannot be: {reason}."""


class Limit(msgspec.Struct, frozen=True):
    """``Limit("burst", 100, per=60)``: a hundred requests a minute for each principal.

    `quota` is what comes back within `per` seconds, evenly; `burst`, by default the whole quota, is how much of it can
    be used at once. So at any moment no more than `burst` go through together, and in the long run no more than the
    quota. `name` is what clients read in the RateLimit fields, and what is counted under: a Limit that several routes
    have is one limit over all of them.

    `by` tells apart who is counted: ``"principal"`` (the address, when nobody is known), ``"address"`` (of IPv6 the
    first 64 bits, which is what one customer has), ``"everybody"``, or a function of the request that returns a text,
    or None for a request that is not counted. Raises `LimitInvalid`.
    """

    name: str
    quota: int
    per: float = 60.0
    burst: int | None = None
    by: By = "principal"

    def __post_init__(self) -> None:
        if self.quota < 1 or self.per <= 0 or (self.burst is not None and self.burst < 1):
            raise LimitInvalid(name=self.name, reason="quota, seconds and burst are greater than nothing")
        if self.quota > MOST_PER_SECOND * self.per:
            reason = f"it counts in microseconds, and keeps its quota up to {MOST_PER_SECOND:,} a second"
            raise LimitInvalid(name=self.name, reason=reason)
        if _NAME.fullmatch(self.name) is None:
            raise LimitInvalid(name=self.name, reason="a name is lower-case letters, digits, and . _ -, at most 64")

    @property
    def pace(self) -> Pace:
        """In whole microseconds, rounded up, so that no more than the quota ever goes through."""
        interval = -(-round(self.per * _MICROSECONDS) // self.quota)
        return Pace(interval, self.burst or self.quota)

    @property
    def policy(self) -> str:
        """An item of RateLimit-Policy."""
        return f'"{self.name}";q={self.quota};w={max(1, round(self.per))}'

    def who(self, request: Request) -> str | None:
        """Whom a request is counted for; None if it is not."""
        if self.by == "principal":
            principal = request.principal
            return f"principal {principal.id}" if principal is not None else address_of(request)
        if self.by == "address":
            return address_of(request)
        if self.by == "everybody":
            return "everybody"
        return self.by(request)


def address_of(request: Request) -> str:
    """The address that counts as one client; behind a socket without addresses everybody is one."""
    return network_of(request.client or "none")


@lru_cache(4096)
def network_of(address: str) -> str:
    """An IPv4 address itself, also inside IPv6; of IPv6 the network of 64 bits (RFC 6177: a site's smallest)."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return f"address {address}"
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is not None:
            return f"address {found.ipv4_mapped}"
        return f"network {IPv6Address(int(found) >> _NETWORK_BITS << _NETWORK_BITS)}"
    return f"address {found}"
