"""The limiter: charges requests, reports the rest in the RateLimit fields, and refuses with 429.

The fields are those of draft-ietf-httpapi-ratelimit-headers-10, structured fields (RFC 9651). RateLimit-Policy is the
policy. RateLimit has the remaining units (`r`) and the seconds (`t`) until all have refilled or, if the limit refuses,
until the request would be allowed. Retry-After has the same value: by the draft both "SHOULD reference the same point
in time".
"""

from collections.abc import Callable, Sequence
from typing import Any

from headwater.http.limit.declaration import Limit, named
from headwater.http.limit.gcra import Rate
from headwater.http.limit.key import key_of
from headwater.http.limit.store import Charge, Store
from headwater.http.message.problem import Problem
from headwater.http.message.problemtype import QUOTA_EXCEEDED
from headwater.http.message.request import Request

_SECOND = 1_000_000

Cost = int | Callable[[Request], int]


class Limiter:
    """A handler takes it to charge a limit whose key only the handler knows::

        ACCOUNT = Limit("login", 5, per=60)

        @app.command("POST /sessions", limits=[ADDRESS])
        async def log_in(tx: Tx, limiter: Limiter, login: Login) -> Session:
            await limiter.take(ACCOUNT, login.email)

    `count` is called with the name of each limit that refuses.
    """

    def __init__(self, store: Store, count: Callable[[str], None] = lambda name: None) -> None:
        self._store = store
        self._count = count

    async def take(self, limit: Limit, key: str, cost: int = 1) -> None:
        """Charge one limit for the client `key`; raises a `Problem` 429."""
        rate = limit.rate
        verdict = await self._store.take([Charge(key_of(limit.name, named(key)), rate, cost)])
        if not verdict.allowed:
            raise self._refusal([(limit.name, rate)], verdict.debts, cost)

    async def admit(self, request: Request, limits: Sequence["AppliedLimit"], cost: Cost) -> None:
        """Charge all limits of a request or none; raises a `Problem` 429. Adds the RateLimit fields."""
        units = cost if isinstance(cost, int) else max(0, cost(request))
        charges, counted = [], []
        for each in limits:
            who = each.limit.who(request)
            if who is not None:
                counted.append(each)
                charges.append(Charge(key_of(each.name, who), each.rate, units))
        if not charges:
            return
        allowed, debts = await self._store.take(charges)
        left = [each.left(debt, 0 if allowed else units) for each, debt in zip(counted, debts, strict=True)]
        request.add(b"ratelimit", b", ".join(left))
        if not allowed:
            raise self._refusal([(each.name, each.rate) for each in counted], debts, units)

    async def close(self) -> None:
        """Close the store."""
        await self._store.close()

    def statistics(self) -> dict[str, Any]:
        """The statistics of the store."""
        return self._store.statistics()

    def _refusal(self, limits: Sequence[tuple[str, Rate]], debts: Sequence[int], cost: int) -> Problem:
        waits = {
            name: _seconds_to(rate, debt, cost)
            for (name, rate), debt in zip(limits, debts, strict=True)
            if rate.refuses(debt, cost)
        }
        for name in waits:
            self._count(name)
        seconds = max(waits.values())
        too_dear = [name for name, rate in limits if cost > rate.burst]
        if too_dear:
            detail = f"The cost of {cost} exceeds the burst of {too_dear[0]!r}, so it is never allowed."
        else:
            detail = f"Too many requests; retry in {_in_words(seconds)}."
        return QUOTA_EXCEEDED.problem(detail, {"Retry-After": str(seconds)}, **{"violated-policies": [*waits]})


class AppliedLimit:
    """A limit, prepared for the requests of a route."""

    __slots__ = ("_form", "limit", "name", "rate")

    def __init__(self, limit: Limit) -> None:
        self.limit = limit
        self.name = limit.name
        self.rate = limit.rate
        self._form = f'"{limit.name}";r=%d;t=%d'.encode()

    def left(self, debt: int, refused: int) -> bytes:
        """An item of RateLimit; `refused` is the cost of a request that was refused, or 0."""
        if refused and self.rate.refuses(debt, refused):
            return self._form % (self.rate.left(debt), _seconds_to(self.rate, debt, refused))
        return self._form % (self.rate.left(debt), -(-debt // _SECOND))


def _seconds_to(rate: Rate, debt: int, cost: int) -> int:
    return max(1, -(-rate.wait(debt, cost) // _SECOND))


def _in_words(seconds: int) -> str:
    return "a second" if seconds == 1 else f"{seconds} seconds"
