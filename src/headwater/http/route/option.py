"""An option: the configuration of one capability on a route. Each capability has a record, whose defaults apply to
routes that do not set it, and a TypedDict of the same fields for the editor and the type checker."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from headwater.http.route.errors import OptionUnknown


class Option(msgspec.Struct, frozen=True, kw_only=True):
    """The base of option records. The record of your own capability derives from it and is passed after the path:
    ``@app.query("GET /orders", Audited(reason="money"))``."""


O = TypeVar("O", bound=Option)  # noqa: E741


class Options:
    """The keywords of `App.query` and `App.command`, by the record that each belongs to."""

    def __init__(self, kinds: Sequence[type[Option]]) -> None:
        self.kinds = tuple(kinds)
        self._kinds = {name: kind for kind in kinds for name in kind.__struct_fields__}

    def records(self, given: Mapping[str, Any], what: str) -> tuple[Option, ...]:
        """The records of these keywords; raises `OptionUnknown` for an unknown keyword."""
        found: dict[type[Option], dict[str, Any]] = {}
        for name, value in given.items():
            if name not in self._kinds:
                raise OptionUnknown(what=what, option=name, known=", ".join(sorted(self._kinds)))
            found.setdefault(self._kinds[name], {})[name] = value
        return tuple(kind(**values) for kind, values in found.items())


def option_of(options: Iterable[Option], kind: type[O]) -> O:
    """The record of one capability; its defaults if the route does not set it."""
    for each in options:
        if type(each) is kind:
            return each
    return kind()
