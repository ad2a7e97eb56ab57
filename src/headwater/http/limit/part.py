"""Rate limits as a part: the limiter as a resource, and the two steps that charge it."""

from collections.abc import Sequence
from functools import partial

from headwater.binding import Resource
from headwater.http.limit.configuration import open_limiter
from headwater.http.limit.declaration import Limit, check_limits
from headwater.http.limit.limiter import Limiter
from headwater.http.limit.limiting import RouteLimits, plan_addresses, plan_principals, with_limits
from headwater.http.limit.options import LimitOption
from headwater.http.route.route import Route
from headwater.http.step.description import Describe, Description
from headwater.http.step.operation import Operation
from headwater.http.step.step import Stage, Step
from headwater.part import Declarations, Part, Validation


def rate_limits(everywhere: Sequence[Limit] = ()) -> Part:
    """Limit requests; `everywhere` are the limits of routes that declare none."""
    return Part(
        "limits",
        Validation(partial(_validate, everywhere)),
        Resource(kind=Limiter, open=open_limiter, statuses=(429,)),
        Step(
            name="limits of addresses",
            stage=Stage.ADDRESS,
            does="charges the limits that need no principal: 429",
            plan=partial(plan_addresses, everywhere=everywhere),
            wrap=with_limits,
        ),
        Step(
            name="limits of principals",
            stage=Stage.PRINCIPAL,
            does="charges the limits that are counted per principal: 429",
            plan=plan_principals,
            wrap=with_limits,
        ),
        Describe(of=_describe),
    )


def _validate(everywhere: Sequence[Limit], declared: Declarations) -> None:
    """Raise `LimitsClash` for two different limits of one name."""
    found = [(limit, "the backend") for limit in everywhere]
    for route in declared.of(Route):
        found += [(limit, f"{route} ({route.location})") for limit in route.option(LimitOption).limits or ()]
    check_limits(found)


def _describe(operation: Operation) -> Description:
    if operation.fact(RouteLimits) is None:
        return Description()
    return Description(statuses=(429,), headers={"RateLimit-Policy": "RateLimitPolicy", "RateLimit": "RateLimit"})
