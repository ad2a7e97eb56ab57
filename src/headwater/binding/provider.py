"""Providers: which types a handler can ask for, and what fills its parameters with them.

A context is what a handler is called for: a `Request`, a `Delivery`. A provider belongs to one context or, if its value
is the same for the whole process, to all. Compiling a handler needs the *types* that are provided, and nothing opened;
with opened resources, `Provided.bind` then gives the function that each call uses.
"""

import typing
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from types import UnionType
from typing import Any

import msgspec

from headwater.binding.resource import Resource, Services
from headwater.binding.signature import Parameter
from headwater.binding.site import Site
from headwater.part import Declaration, Declared

Bind = Callable[[Any], Any]
"""From a context to the value of a parameter."""


class Making:
    """The values that are made ahead for one call, each once however often it is asked for, and closed after it."""

    __slots__ = ("closing", "context", "values")

    def __init__(self, context: Any, closing: AsyncExitStack) -> None:
        self.context = context
        self.closing = closing
        self.values: dict[Any, Any] = {}


Make = Callable[[Making], typing.Awaitable[Any]]


class Provided(msgspec.Struct, frozen=True, kw_only=True):
    """How one parameter is filled. Exactly one of `bind` and `make` is there.

    `bind` gives a function from the context to the value, which is called when the arguments are put together. `make`
    gives a coroutine function, which is called ahead of that, in the order of the parameters: before a body is read and
    before a transaction begins. What it opens in `Making.closing` is closed when the call is over.
    """

    kind: Any
    bind: Callable[[Services], Bind] | None = None
    make: Callable[[Services], Make] | None = None
    required: bool = True
    waits_for: frozenset[str] = frozenset()
    """The pools of connections that every call with this parameter takes one of: ``reads``, ``writes``."""
    uses: frozenset[type] = frozenset()
    """The resources that have to be open."""
    statuses: tuple[int, ...] = ()
    """For the documentation: the statuses of the problems that it may raise."""
    facts: tuple[Any, ...] = ()
    """What this says of the whole handler, for whoever asks: that it needs to know who sends a request, for example."""


class Provider(Declaration, frozen=True, kw_only=True):
    """Fills parameters of the type `kind` in handlers that are called for a `context`; None for every one.

    `provide` looks at one parameter and says how it is filled, or raises through its `Site`. With `subclasses` the
    parameter may also be of a subclass, or of one or None. With `marker` it has to be marked with one of that type.
    """

    kind: type
    provide: Callable[[Site, Parameter], Provided]
    context: type | None = None
    subclasses: bool = False
    marker: type | None = None


class Providers:
    """What the parts of a backend provide, by type."""

    def __init__(self, declared: Declared) -> None:
        providers = [*declared.of(Provider), *(_of_resource(each) for each in declared.of(Resource))]
        self._exact: dict[Any, list[Provider]] = {}
        for each in providers:
            if each.marker is None:
                self._exact.setdefault(each.kind, []).append(each)
        self._wide = [each for each in providers if each.subclasses]
        self._marked = [each for each in providers if each.marker is not None]

    @property
    def kinds(self) -> Iterable[Any]:
        """The types that parameters can have."""
        return [*self._exact, *(each.kind for each in self._marked)]

    def provided(self, site: Site, parameter: Parameter) -> Provided | None:
        """How a parameter is filled; None for a type that nobody provides. Raises a `HandlerError`."""
        found = self._find(parameter)
        if not found:
            return None
        for each in found:
            if each.context is None or each.context is site.context:
                return each.provide(site, parameter)
        contexts = " or ".join(sorted(each.context.__name__ for each in found if each.context is not None))
        return site.misplaced(
            parameter,
            f"it is provided for a {contexts}, and this is called for a {site.context.__name__}",
            "Take what is provided there, or leave it out.",
        )

    def _find(self, parameter: Parameter) -> list[Provider]:
        if parameter.marker is not None:
            return [each for each in self._marked if isinstance(parameter.marker, each.marker or ())]
        try:
            exact = self._exact.get(parameter.annotation)
        except TypeError:  # an annotation that cannot be hashed is nobody's
            return []
        if exact is not None:
            return exact
        kind, _ = member_of(parameter.annotation)
        return [each for each in self._wide if kind is not None and issubclass(kind, each.kind)]


def member_of(annotation: Any) -> tuple[type | None, bool]:
    """The one class that a type is besides None, and whether it may be None; no class for any other union."""
    union = typing.get_origin(annotation) in (typing.Union, UnionType)
    members = typing.get_args(annotation) if union else (annotation,)
    kinds = [each for each in members if each is not type(None)]
    if len(kinds) != 1 or not isinstance(kinds[0], type):
        return None, False
    return kinds[0], union


def constant(kind: Any, *uses: type, waits_for: Iterable[str] = (), statuses: tuple[int, ...] = ()) -> Provided:
    """Filled with the opened resource `kind`, the same for every call."""
    return Provided(
        kind=kind,
        bind=lambda services: _always(services[kind]),
        waits_for=frozenset(waits_for),
        uses=frozenset({kind, *uses}),
        statuses=statuses,
    )


def _always(value: Any) -> Bind:
    return lambda context: value


def _of_resource(resource: Resource) -> Provider:
    def provide(site: Site, parameter: Parameter) -> Provided:
        if resource.check is not None:
            resource.check(site, parameter)
        return constant(resource.kind, waits_for=resource.waits_for, statuses=resource.statuses)

    return Provider(kind=resource.kind, provide=provide)
