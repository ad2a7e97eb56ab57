"""A site: the handler that a parameter belongs to, and how errors about the parameter are raised."""

from collections.abc import Iterable
from typing import Any, NoReturn, Protocol

import msgspec

from headwater.binding.errors import ParameterMisplaced, ParameterUnbound
from headwater.binding.signature import Parameter, Subject, written


class Offer(Protocol):
    """What is provided at a site."""

    @property
    def kinds(self) -> Iterable[Any]:
        """The types."""
        ...

    def provided(self, site: "Site", parameter: Parameter) -> Any:
        """How a parameter is filled (a `Provided`); None for a type that is not provided."""
        ...


class Site(msgspec.Struct, frozen=True):
    """In the handler of `subject`, which is called for a `context`."""

    subject: Subject
    context: type
    providers: Offer

    def unbound(self, parameter: Parameter, fix: str) -> NoReturn:
        """Raise `ParameterUnbound` for a parameter that cannot be bound."""
        raise ParameterUnbound(**self._facts(parameter), fix=fix)

    def misplaced(self, parameter: Parameter, reason: str, fix: str) -> NoReturn:
        """Raise `ParameterMisplaced` for a parameter that is not allowed in this handler."""
        raise ParameterMisplaced(**self._facts(parameter), reason=reason, fix=fix)

    def _facts(self, parameter: Parameter) -> dict[str, Any]:
        return {
            "subject": self.subject,
            "handler": self.subject.location,
            "parameter": parameter.name,
            "kind": written(parameter.annotation),
        }
