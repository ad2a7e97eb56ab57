"""Limiting: the limits of a route, checked when it is compiled, and charged before anything else is done for it."""

from collections.abc import Sequence

from headwater.http.limit.declaration import Limit
from headwater.http.limit.limiter import Cost, Counted, Limiter
from headwater.http.message.answer import Answer
from headwater.http.message.request import Request
from headwater.http.route.call import Call
from headwater.http.route.route import Route, refuse_option


def limits_of(route: Route, everywhere: Sequence[Limit]) -> tuple[Limit, ...]:
    """A route's own limits, or those of the backend if it has none; raises `OptionInvalid`."""
    limits = tuple(everywhere if route.limits is None else route.limits)
    names = [limit.name for limit in limits]
    if len(names) != len(set(names)):
        refuse_option(route, "limits", "two of them have one name, by which clients and counters tell them apart")
    if not callable(route.cost):
        if route.cost < 0:
            refuse_option(route, f"cost={route.cost}", "no request gives back what others have used")
        for limit in limits:
            if route.cost > limit.pace.burst:
                refuse_option(route, f"cost={route.cost}", f"{limit.name!r} never lets so much through at once")
    return limits


def with_limits(call: Call, limits: Sequence[Limit], cost: Cost, limiter: Limiter) -> Call:
    """The same, for those who have not had enough yet; 429 for the others."""
    if not limits:
        return call
    counted = [Counted(limit) for limit in limits]
    policy = ", ".join(limit.policy for limit in limits).encode()
    admit = limiter.admit

    async def call_limited(request: Request) -> Answer:
        request.add(b"ratelimit-policy", policy)
        await admit(request, counted, cost)
        return await call(request)

    return call_limited


def by_principal(limits: Sequence[Limit]) -> list[Limit]:
    """Those that can be charged only once it is known who asks."""
    return [limit for limit in limits if limit.by == "principal"]


def by_others(limits: Sequence[Limit]) -> list[Limit]:
    """Those that are charged before anybody looks at a credential, so that guessing credentials is limited, too."""
    return [limit for limit in limits if limit.by != "principal"]
