"""Load as a part: how large a body may be, how many requests are worked on at once, and for how long.

What is refused at the door, before any endpoint is known to need it, is the `Guard`'s, which the application asks.
"""

from headwater.binding import Resource
from headwater.db.pools import Pools
from headwater.http.load.bodylimit import body_limit_of, with_body_limit
from headwater.http.load.deadline import DEFAULT_SECONDS, check_deadline, deadline_of
from headwater.http.load.queue import Lines
from headwater.http.load.slots import SlotsByRoute, concurrency_of, with_slots
from headwater.http.step.description import Describe, Description
from headwater.http.step.operation import Operation
from headwater.http.step.step import Stage, Step
from headwater.part import Part


def load_limits() -> Part:
    """Keep the limits that routes declare."""
    return Part(
        "load",
        Resource(kind=Lines, open=_open_lines),
        Resource(kind=SlotsByRoute, open=SlotsByRoute),
        Step(
            name="size",
            stage=Stage.SIZE,
            does="sets the route's own limit of the body",
            plan=_plan_size,
            wrap=with_body_limit,
        ),
        Step(
            name="concurrency",
            stage=Stage.LOAD,
            does="waits for a moment for a slot among those worked on at once: else 503",
            plan=_plan_slots,
            wrap=with_slots,
        ),
        Describe(of=_describe),
    )


def _open_lines(pools: Pools) -> Lines:
    return Lines({"reads": pools.reads, "writes": pools.writes})


def _plan_size(operation: Operation) -> int | None:
    return body_limit_of(operation.route)


def _plan_slots(operation: Operation) -> int | None:
    check_deadline(operation)
    return concurrency_of(operation.route)


def _describe(operation: Operation) -> Description:
    return Description(statuses=(504,) if deadline_of(operation, DEFAULT_SECONDS) else ())
