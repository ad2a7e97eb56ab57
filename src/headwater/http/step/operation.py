"""An operation: a route with all that is known of it before anything is opened.

Compiled from types alone, so that a backend can be checked and documented without an engine. With opened services the
steps of an operation become the call of an `Endpoint`.
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
    """The pools that every request of the operation takes a connection of: ``reads``, ``writes``."""

    pools: frozenset[str]


class Incompressible(msgspec.Struct, frozen=True):
    """Noted of an operation whose answers are never compressed."""


class Endless(msgspec.Struct, frozen=True):
    """Noted of an operation that takes as long as its client does: it has no deadline unless its route names one."""


class Within(msgspec.Struct, frozen=True, kw_only=True):
    """What happens inside a command's transaction before its handler, as a `TransactionStep` has decided.

    `require` looks at a request that is going to be executed, and is no replay; it raises a `Problem`. `link`
    gives what runs in the transaction. `binding` is that of a function that gets its arguments beside the handler.
    """

    require: Callable[[Request], None] | None = None
    link: Callable[[Services], Callable[[Tx, Request], Awaitable[None]]] | None = None
    binding: Binding | None = None


@dataclass(frozen=True, eq=False, slots=True)
class Draft:
    """What is known before the rendering is. `adapt` makes of a signature that of an older version of the API."""

    route: Route
    signature: Signature
    binding: Binding
    providers: Providers
    adapt: Adapt | None = None
    notes: list[Any] = field(default_factory=list)

    def option(self, kind: type[O]) -> O:
        """What the route says to one capability."""
        return self.route.option(kind)

    def note(self, fact: Any) -> None:
        """Tell the steps that come later, and the documentation."""
        self.notes.append(fact)

    def facts(self, kind: type[T]) -> list[T]:
        """What has been noted, of one kind."""
        return [each for each in self.notes if isinstance(each, kind)]

    def fact(self, kind: type[T]) -> T | None:
        """The first of them."""
        return next(iter(self.facts(kind)), None)


@dataclass(frozen=True, eq=False, slots=True)
class Operation(Draft):
    """All of it. `execution` is the innermost call, `within` what happens inside its transaction; `steps` are those
    that the route needs, each with what its plan has decided."""

    rendering: Rendering = field(kw_only=True)
    execution: Any = field(kw_only=True)
    within: tuple[Within, ...] = ()
    steps: list[tuple[Any, Any]] = field(default_factory=list)

    @property
    def inputs(self) -> tuple[Input, ...]:
        """Where every parameter comes from, of the handler and of what runs beside it."""
        beside = (each.binding.inputs for each in self.within if each.binding is not None)
        return (*self.binding.inputs, *(each for inputs in beside for each in inputs))

    @property
    def waits_for(self) -> frozenset[str]:
        """The pools that every request takes a connection of."""
        noted = (each.pools for each in self.facts(WaitsFor))
        return frozenset().union(*(each.waits_for for each in self.provided), *noted)

    @property
    def provided(self) -> list[Provided]:
        """What is provided for them."""
        return [each.provided for each in self.inputs if each.provided is not None]
