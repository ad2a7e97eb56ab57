"""A step of an endpoint: something that happens to every request of the routes that want it.

A step is planned once per route, from types alone: `plan` returns what it has decided, or None for a route that does
not need it, whose requests then do not pay for it. With opened services `wrap` puts it around the call of the steps
behind it.
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
    """Routes may have this option. One that no part accepts is an error at the start, since nobody would heed it."""

    option: type[Option]


class Stage(IntEnum):
    """Where a step stands among the others. Within a stage they run in the order of the parts."""

    ADDRESS = 1
    """Nothing is known of the client but its address."""
    AUTHENTICATION = 2
    """Find the principal."""
    PRINCIPAL = 3
    """The principal is known, if there is one: is it to be let in?"""
    SIZE = 4
    """How much may be sent."""
    LOAD = 5
    """Wait for a turn."""
    NEGOTIATION = 6
    """Does the client accept what is going to be answered?"""
    EXECUTION = 7
    """Around everything that the handler needs and does: providers, body, arguments, transaction, answer."""


class Step(Declaration, frozen=True, kw_only=True):
    """A step of endpoints. `does` says in a line what, for the documentation."""

    name: str
    stage: Stage
    does: str
    plan: Callable[[Operation], Any | None]
    wrap: Callable[[Call, Any, Operation, Services], Call]


class TransactionStep(Declaration, frozen=True, kw_only=True):
    """What happens inside a command's transaction before its handler; None for a route that does not need it."""

    name: str
    does: str
    plan: Callable[[Draft], Within | None]


class Execution(Declaration, frozen=True, kw_only=True):
    """What the innermost call of the routes of one verb is."""

    verb: str
    does: str
    link: Callable[[Operation, Services], Call]


class AnswerFields(Declaration, frozen=True, kw_only=True):
    """Header fields of every answer in JSON of a route."""

    of: Callable[[Route], Fields]


class Refinement(Declaration, frozen=True, kw_only=True):
    """Makes of what renders a route's answers another."""

    refine: Callable[[Draft, Rendering], Rendering]


class Rewrite(Declaration, frozen=True, kw_only=True):
    """Makes of a declared route the one that is served."""

    rewrite: Callable[[Route, Any], Route]


def in_order(steps: Iterable[Step]) -> list[Step]:
    """By stage; within one, as they come."""
    return sorted(steps, key=lambda step: step.stage)
