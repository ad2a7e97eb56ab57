"""A part: a capability that plugs itself into a backend.

A part is a name and what it brings: declarations, each a frozen record of some kind. The package that defines a kind
is the one that acts on it, and asks the backend for all declarations of that kind; so the core knows which kinds of
things there are, and never which parts. The kinds:

========================================  ==============================================================
`headwater.db.Source`                     SQL of its own: a schema, its migrations and stored functions
`headwater.http.Route`                    a method and a path, and the function that answers
`headwater.http.Step`                     a step of every endpoint that wants it, with its stage
`headwater.http.Accepts`                  an option that routes may have
`headwater.http.Problems`                 an exception that becomes a problem
`headwater.http.Describe`                 what it adds to an operation of the OpenAPI document
`headwater.http.Middleware`               ASGI around everything
`headwater.consumer.Subscription`         a consumer of the log
`headwater.binding.Resource`              a type that is opened once per process, and provided to handlers
`headwater.binding.Provider`              a type that is provided to the handlers of a context: a request, a delivery
`headwater.binding.Hook`                  what runs at the start and at the end of every process that serves
`headwater.upkeep.Process`                a process of its own under the supervisor
`headwater.upkeep.Chore`                  housekeeping, once per database
`headwater.upkeep.Check`                  a reason why requests cannot be served
`headwater.upkeep.Examination`            findings of `headwater doctor`
`headwater.upkeep.Command`                a command of the command line
========================================  ==============================================================

An `App` is a part whose declarations are recorded by decorators.
"""

from collections.abc import Iterable, Iterator
from typing import TypeVar

import msgspec

from headwater.errors import HeadwaterError

D = TypeVar("D", bound="Declaration")


class Declaration(msgspec.Struct, frozen=True):
    """Something that a part brings. What it means is said by its class, and done by the package of that class."""


class PartSealed(HeadwaterError):
    """{part!r} got another declaration ({kind}) after a backend had begun to use it. Declare everything first: import
    the modules with your routes and consumers before the backend is opened."""


class Part:
    """``Part("audit", AUDITED, audit_step)``: a name, and what it brings."""

    def __init__(self, name: str, *declarations: Declaration) -> None:
        self.name = name
        self._declarations = list(declarations)
        self._sealed = False

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"

    def declare(self, *declarations: Declaration) -> None:
        """Bring these as well; raises `PartSealed` once a backend has looked at what it brings."""
        if self._sealed:
            raise PartSealed(part=self, kind=type(declarations[0]).__name__ if declarations else "nothing")
        self._declarations += declarations

    def seal(self) -> None:
        """Refuse what is declared from now on: it would never be acted on."""
        self._sealed = True

    @property
    def declarations(self) -> tuple[Declaration, ...]:
        return tuple(self._declarations)


class Declared:
    """What several parts bring, in their order."""

    def __init__(self, parts: Iterable[Part] = ()) -> None:
        self._declarations = [each for part in parts for each in part.declarations]

    def of(self, kind: type[D]) -> list[D]:
        """The declarations of one kind."""
        return [each for each in self._declarations if isinstance(each, kind)]

    def __iter__(self) -> Iterator[Declaration]:
        return iter(self._declarations)
