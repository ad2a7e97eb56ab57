"""An option: what a route says to one capability. Each capability has a record of its own, whose defaults are what a
route says that says nothing, and a TypedDict of the same fields, for the editor and the type checker."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from headwater.http.route.errors import OptionUnknown


class Option(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a route can say. A capability of one's own derives its record from this one, and is given it after
    the path: ``@app.query("GET /orders", Audited(reason="money"))``."""


O = TypeVar("O", bound=Option)  # noqa: E741


class Options:
    """Which keywords `App.query` and `App.command` take, by the record that each belongs to."""

    def __init__(self, kinds: Sequence[type[Option]]) -> None:
        self.kinds = tuple(kinds)
        self._kinds = {name: kind for kind in kinds for name in kind.__struct_fields__}

    def records(self, given: Mapping[str, Any], what: str) -> tuple[Option, ...]:
        """The records of these keywords; raises `OptionUnknown` for a keyword that is none of them."""
        found: dict[type[Option], dict[str, Any]] = {}
        for name, value in given.items():
            if name not in self._kinds:
                raise OptionUnknown(what=what, option=name, known=", ".join(sorted(self._kinds)))
            found.setdefault(self._kinds[name], {})[name] = value
        return tuple(kind(**values) for kind, values in found.items())


def option_of(options: Iterable[Option], kind: type[O]) -> O:
    """The record of one capability; its defaults if the route has none."""
    for each in options:
        if type(each) is kind:
            return each
    return kind()
