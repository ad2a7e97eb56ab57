"""A site: where a parameter stands, and how an error about it is raised."""

from collections.abc import Iterable
from typing import Any, NoReturn, Protocol

import msgspec

from headwater.binding.errors import ParameterMisplaced, ParameterUnbound
from headwater.binding.signature import Parameter, Subject, written


class Offer(Protocol):
    """What is provided where the site is."""

    @property
    def kinds(self) -> Iterable[Any]:
        """The types."""
        ...

    def provided(self, site: "Site", parameter: Parameter) -> Any:
        """How a parameter is filled (a `Provided`); None for a type that nobody provides."""
        ...


class Site(msgspec.Struct, frozen=True):
    """In the handler of `subject`, which is called for a `context`."""

    subject: Subject
    context: type
    providers: Offer

    def unbound(self, parameter: Parameter, mend: str) -> NoReturn:
        """Raise the error of a parameter that nothing can fill."""
        raise ParameterUnbound(**self._facts(parameter), mend=mend)

    def misplaced(self, parameter: Parameter, reason: str, mend: str) -> NoReturn:
        """Raise the error of a parameter that does not belong in this kind of handler."""
        raise ParameterMisplaced(**self._facts(parameter), reason=reason, mend=mend)

    def _facts(self, parameter: Parameter) -> dict[str, Any]:
        return {
            "subject": self.subject,
            "handler": self.subject.place,
            "parameter": parameter.name,
            "kind": written(parameter.annotation),
        }
