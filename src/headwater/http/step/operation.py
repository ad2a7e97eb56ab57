"""An operation: a route with everything that is known of it before resources are open.

It is compiled from types alone, so a backend can be checked and documented without an engine. With open services, its
steps become the call of an `Endpoint`.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

from headwater.binding import Provided, Providers, Services
from headwater.commit import Tx
from headwater.http.binding.binding import Binding
from headwater.http.binding.inputs import Input
from headwater.http.binding.rendering import Rendering
from headwater.http.message.request import Request
from headwater.http.route.option import O
from headwater.http.route.route import Route
from headwater.http.route.signature import Adapt, Signature

T = TypeVar("T")


class WaitsFor(msgspec.Struct, frozen=True):
    """The pools from which every request of the operation takes a connection: ``reads``, ``writes``."""

    pools: frozenset[str]


class Incompressible(msgspec.Struct, frozen=True):
    """A note: the responses of this operation are never compressed."""


class Endless(msgspec.Struct, frozen=True):
    """A note: this operation takes as long as its client does, so it has no deadline unless its route sets one."""


class Within(msgspec.Struct, frozen=True, kw_only=True):
    """What happens inside a command's transaction before its handler, as planned by a `TransactionStep`.

    `require` checks a request that will be executed and is not a replay; it raises a `Problem`. `link` returns what
    runs in the transaction. `binding` is the binding of a function that runs beside the handler.
    """

    require: Callable[[Request], None] | None = None
    link: Callable[[Services], Callable[[Tx, Request], Awaitable[None]]] | None = None
    binding: Binding | None = None


@dataclass(frozen=True, eq=False, slots=True)
class Draft:
    """What is known before the rendering. `adapt` converts a signature to that of an older version of the API."""

    route: Route
    signature: Signature
    binding: Binding
    providers: Providers
    adapt: Adapt | None = None
    notes: list[Any] = field(default_factory=list)

    def option(self, kind: type[O]) -> O:
        """The route's option record of one capability."""
        return self.route.option(kind)

    def note(self, fact: Any) -> None:
        """Record a fact for later steps and the documentation."""
        self.notes.append(fact)

    def facts(self, kind: type[T]) -> list[T]:
        """The recorded facts of one type."""
        return [each for each in self.notes if isinstance(each, kind)]

    def fact(self, kind: type[T]) -> T | None:
        """The first recorded fact of one type, or None."""
        return next(iter(self.facts(kind)), None)


@dataclass(frozen=True, eq=False, slots=True)
class Operation(Draft):
    """A complete operation. `execution` is the innermost call, `within` what happens inside its transaction; `steps`
    are the steps that the route needs, each with its plan."""

    rendering: Rendering = field(kw_only=True)
    execution: Any = field(kw_only=True)
    within: tuple[Within, ...] = ()
    steps: list[tuple[Any, Any]] = field(default_factory=list)

    @property
    def inputs(self) -> tuple[Input, ...]:
        """The inputs of the handler and of the functions that run beside it."""
        beside = (each.binding.inputs for each in self.within if each.binding is not None)
        return (*self.binding.inputs, *(each for inputs in beside for each in inputs))

    @property
    def waits_for(self) -> frozenset[str]:
        """The pools from which every request takes a connection."""
        noted = (each.pools for each in self.facts(WaitsFor))
        return frozenset().union(*(each.waits_for for each in self.provided), *noted)

    @property
    def provided(self) -> list[Provided]:
        """The inputs that are provided."""
        return [each.provided for each in self.inputs if each.provided is not None]
