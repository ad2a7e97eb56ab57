"""Limiting: the limits of a route, checked when it is compiled, and charged before other work on a request."""

from collections.abc import Sequence

import msgspec

from headwater.binding import Services
from headwater.http.limit.declaration import Limit
from headwater.http.limit.limiter import AppliedLimit, Cost, Limiter
from headwater.http.limit.options import LimitOption
from headwater.http.message.answer import Answer
from headwater.http.message.principal import AuthenticationNeed
from headwater.http.message.request import Request
from headwater.http.route.call import Call
from headwater.http.route.route import Route, refuse_option
from headwater.http.step.operation import Operation


class RouteLimits(msgspec.Struct, frozen=True):
    """The limits of one route, and the cost of a request."""

    limits: tuple[Limit, ...]
    cost: Cost


class Charged(msgspec.Struct, frozen=True):
    """The limits that one step charges."""

    limits: tuple[Limit, ...]
    cost: Cost


def plan_addresses(operation: Operation, everywhere: Sequence[Limit]) -> Charged | None:
    """The limits that are charged before authentication, so guessing credentials is limited, too."""
    limits = limits_of(operation.route, everywhere)
    if not limits:
        return None
    cost = operation.option(LimitOption).cost
    operation.note(RouteLimits(limits, cost))
    if any(limit.by == "principal" for limit in limits):
        operation.note(AuthenticationNeed("its limits are counted per principal", required=False, wished=True))
    return _charged([limit for limit in limits if limit.by != "principal"], cost)


def plan_principals(operation: Operation) -> Charged | None:
    """The limits that are charged after authentication."""
    found = operation.fact(RouteLimits)
    if found is None:
        return None
    return _charged([limit for limit in found.limits if limit.by == "principal"], found.cost)


def _charged(limits: Sequence[Limit], cost: Cost) -> Charged | None:
    return Charged(tuple(limits), cost) if limits else None


def limits_of(route: Route, everywhere: Sequence[Limit]) -> tuple[Limit, ...]:
    """A route's limits, or those of the backend if it declares none; raises `OptionInvalid`."""
    declared = route.option(LimitOption)
    limits, cost = tuple(everywhere if declared.limits is None else declared.limits), declared.cost
    names = [limit.name for limit in limits]
    if len(names) != len(set(names)):
        refuse_option(route, "limits", "two of them have the same name")
    if not callable(cost):
        if cost < 0:
            refuse_option(route, f"cost={cost}", "a cost must not be negative")
        for limit in limits:
            if cost > limit.rate.burst:
                refuse_option(route, f"cost={cost}", f"it exceeds the burst of {limit.name!r}")
    return limits


def with_limits(call: Call, charged: Charged, operation: Operation, services: Services) -> Call:
    """The call within the limits; otherwise 429."""
    counted = [AppliedLimit(limit) for limit in charged.limits]
    policy = ", ".join(limit.policy for limit in charged.limits).encode()
    admit, cost = services[Limiter].admit, charged.cost

    async def call_limited(request: Request) -> Answer:
        request.add(b"ratelimit-policy", policy)
        await admit(request, counted, cost)
        return await call(request)

    return call_limited
