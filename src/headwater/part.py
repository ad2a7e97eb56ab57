"""A part: a capability that plugs itself into a backend.

A part has a name and declarations, each a frozen record of some type. The package that defines a type also implements
it: it asks the backend for all declarations of that type. So the core knows the types, but not the parts. The types:

================================================  ==================================================================
`headwater.db.source.Source`                      SQL of its own: a schema, its migrations and stored functions
`headwater.http.route.route.Route`                a method and a path, and the function that responds
`headwater.http.step.step.Step`                   a step of every endpoint that needs it, with its stage
`headwater.http.step.step.TransactionStep`        a step inside the transaction of a command
`headwater.http.step.step.Execution`              the innermost call of the routes of one verb
`headwater.http.step.step.AnswerFields`           header fields of every JSON response of a route
`headwater.http.step.step.Refinement`             another rendering of a route
`headwater.http.step.step.Rewrite`                another route in place of a declared one
`headwater.http.step.step.Accepts`                an option that routes may have
`headwater.http.step.problems.Problems`           an exception that becomes a problem
`headwater.http.step.description.Describe`        what it adds to an operation of the OpenAPI document
`headwater.http.step.description.RequestHeader`   a request header that pages of other origins may send
`headwater.http.version.converter.Converter`      a conversion of a type between two versions of the API
`headwater.http.serving.platform.PlatformRoutes`  routes of the platform itself, such as those of the documentation
`headwater.consumer.subscription.Subscription`    a consumer of the log
`headwater.binding.resource.Resource`             a type that is opened once per process, and provided to handlers
`headwater.binding.resource.Hook`                 what runs at the start and at the end of every process that serves
`headwater.binding.provider.Provider`             a type that is provided to the handlers of a context
`headwater.upkeep.OwnSettings`                    settings of its own, as a resource
`headwater.upkeep.Process`                        a process of its own under the supervisor
`headwater.upkeep.Chore`                          housekeeping, once per database
`headwater.upkeep.Check`                          a reason why requests cannot be served
`headwater.upkeep.Examination`                    findings of `headwater doctor`
`headwater.upkeep.Command`                        a command of the command line
`headwater.upkeep.Middleware`                     ASGI around everything
`headwater.part.Validation`                       what must hold of all declarations together
================================================  ==================================================================

An `App` is a part whose declarations are recorded by decorators.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import msgspec

from headwater.errors import HeadwaterError

D = TypeVar("D", bound="Declaration")


class Declaration(msgspec.Struct, frozen=True):
    """A declaration of a part. Its class defines what it means, and the package of the class implements it."""


class PartSealed(HeadwaterError):
    """{part!r} got another declaration ({kind}) after a backend had begun to use it. Import the modules that declare
    routes and consumers before the backend is opened."""


class Part:
    """``Part("audit", AUDITED, audit_step)``: a name and declarations."""

    def __init__(self, name: str, *declarations: Declaration) -> None:
        self.name = name
        self._declarations = list(declarations)
        self._sealed = False

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"

    def declare(self, *declarations: Declaration) -> None:
        """Add declarations; raises `PartSealed` once a backend has read them."""
        if self._sealed:
            raise PartSealed(part=self, kind=type(declarations[0]).__name__ if declarations else "nothing")
        self._declarations += declarations

    def seal(self) -> None:
        """Refuse further declarations: they would have no effect."""
        self._sealed = True

    @property
    def declarations(self) -> tuple[Declaration, ...]:
        return tuple(self._declarations)


class Declarations:
    """The declarations of several parts, in their order."""

    def __init__(self, parts: Iterable[Part] = ()) -> None:
        self._declarations = [each for part in parts for each in part.declarations]

    def of(self, kind: type[D]) -> list[D]:
        """The declarations of one type."""
        return [each for each in self._declarations if isinstance(each, kind)]

    def __iter__(self) -> Iterator[Declaration]:
        return iter(self._declarations)


class Validation(Declaration, frozen=True):
    """What must hold of all declarations of a backend together.

    `validate` raises an error that names the declarations which contradict each other. It is called when the backend is
    made, and again before it is first used.
    """

    validate: Callable[[Declarations], None]
