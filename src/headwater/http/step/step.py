"""A step of an endpoint: it runs for every request of the routes that need it.

A step is planned once per route, from types alone: `plan` returns its plan, or None for a route that does not need it,
which then costs nothing. With open services, `wrap` wraps the call of the steps after it.
"""

from collections.abc import Callable, Iterable
from enum import IntEnum
from typing import Any

from headwater.binding import Services
from headwater.http.binding.rendering import Rendering
from headwater.http.message.answer import Fields
from headwater.http.route.call import Call
from headwater.http.route.option import Option
from headwater.http.route.route import Route
from headwater.http.step.operation import Draft, Operation, Within
from headwater.part import Declaration


class Accepts(Declaration, frozen=True):
    """Routes may have this option. An option that no part accepts is an error at the start."""

    option: type[Option]


class Stage(IntEnum):
    """When a step runs. Within a stage, steps run in the order of the parts."""

    ADDRESS = 1
    """Only the client's address is known."""
    AUTHENTICATION = 2
    """Find the principal."""
    PRINCIPAL = 3
    """The principal is known, if there is one. Authorize it."""
    SIZE = 4
    """Limit the size of the body."""
    LOAD = 5
    """Wait for a permit of the route's concurrency limit."""
    NEGOTIATION = 6
    """Check that the client accepts the media type of the response."""
    EXECUTION = 7
    """Around the execution: providers, body, arguments, transaction, response."""


class Step(Declaration, frozen=True, kw_only=True):
    """A step of endpoints. `does` describes it in one line for the documentation."""

    name: str
    stage: Stage
    does: str
    plan: Callable[[Operation], Any | None]
    wrap: Callable[[Call, Any, Operation, Services], Call]


class TransactionStep(Declaration, frozen=True, kw_only=True):
    """A step inside a command's transaction, before its handler. `plan` returns None for a route that does not need
    it."""

    name: str
    does: str
    plan: Callable[[Draft], Within | None]


class Execution(Declaration, frozen=True, kw_only=True):
    """The innermost call of the routes of one verb."""

    verb: str
    does: str
    link: Callable[[Operation, Services], Call]


class AnswerFields(Declaration, frozen=True, kw_only=True):
    """Header fields of every JSON response of a route."""

    of: Callable[[Route], Fields]


class Refinement(Declaration, frozen=True, kw_only=True):
    """Replaces the rendering of a route."""

    refine: Callable[[Draft, Rendering], Rendering]


class Rewrite(Declaration, frozen=True, kw_only=True):
    """Replaces a declared route before it is compiled."""

    rewrite: Callable[[Route, Any], Route]


def in_order(steps: Iterable[Step]) -> list[Step]:
    """The steps sorted by stage; the order within a stage is kept."""
    return sorted(steps, key=lambda step: step.stage)
