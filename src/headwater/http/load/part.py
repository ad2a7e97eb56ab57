"""Load as a part: body limits, concurrency limits and deadlines of routes.

What is refused at the door, before any endpoint is known to need it, is the `Guard`'s, which the application asks.
"""

from headwater.binding import Resource
from headwater.db.pools import Pools
from headwater.http.load.bodylimit import body_limit_of, with_body_limit
from headwater.http.load.concurrency import ConcurrencyLimiters, concurrency_of, with_concurrency
from headwater.http.load.deadline import DEFAULT_SECONDS, check_deadline, deadline_of
from headwater.http.load.queue import WaitQueues
from headwater.http.step.description import Describe, Description
from headwater.http.step.operation import Operation
from headwater.http.step.step import Stage, Step
from headwater.part import Part


def load_limits() -> Part:
    """Enforce the load limits that routes declare."""
    return Part(
        "load",
        Resource(kind=WaitQueues, open=_open_queues),
        Resource(kind=ConcurrencyLimiters, open=ConcurrencyLimiters),
        Step(
            name="size",
            stage=Stage.SIZE,
            does="sets the body limit of the route",
            plan=_plan_size,
            wrap=with_body_limit,
        ),
        Step(
            name="concurrency",
            stage=Stage.LOAD,
            does="waits up to a second for a permit of the route's concurrency limit: else 503",
            plan=_plan_concurrency,
            wrap=with_concurrency,
        ),
        Describe(of=_describe),
    )


def _open_queues(pools: Pools) -> WaitQueues:
    return WaitQueues({"reads": pools.reads, "writes": pools.writes})


def _plan_size(operation: Operation) -> int | None:
    return body_limit_of(operation.route)


def _plan_concurrency(operation: Operation) -> int | None:
    check_deadline(operation)
    return concurrency_of(operation.route)


def _describe(operation: Operation) -> Description:
    return Description(statuses=(504,) if deadline_of(operation, DEFAULT_SECONDS) else ())
