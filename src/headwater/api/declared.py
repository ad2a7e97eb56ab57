"""Declared changes: intended breaking changes, each with its reason, in a file that is reviewed like code.

::

    [[breaking]]
    version = "1"                               # of the older document; any if omitted
    to = "2"                                    # of the newer document; the same version if omitted
    operation = "GET /products/{id}"            # `*` matches anything
    what = "field-removed response 200 application/json /price"
    why = "Prices are in cents since version 2."

A change from version 1 to version 2 is one that clients adapt to; the same change within version 1 reaches clients
that do nothing. So one declaration never covers both.
"""

import tomllib
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

import msgspec

from headwater.api.change import Change
from headwater.api.errors import DeclarationsInvalid


class Declared(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One declaration; `operation` and `what` may contain ``*``."""

    operation: str
    what: str
    why: str
    version: str | None = None
    to: str | None = None

    def concerns(self, version: str | None, to: str | None) -> bool:
        """Whether it applies to changes between documents of these versions."""
        if self.version not in (None, version):
            return False
        if self.to is None:
            return version == to
        return self.to == to and (version != to or self.version is not None)

    def covers(self, change: Change) -> bool:
        return fnmatchcase(change.operation, _literally(self.operation)) and fnmatchcase(
            change.what, _literally(self.what)
        )


class Assessment(NamedTuple):
    """`undeclared` are breaking changes without a declaration, `stale` declarations without a change."""

    undeclared: list[Change]
    stale: list[Declared]


def judge(
    changes: Iterable[Change], declared: Sequence[Declared], version: str | None = None, to: str | None = None
) -> Assessment:
    """Compare the changes between documents of two versions with the declarations for these versions."""
    ours = [each for each in declared if each.concerns(version, to)]
    breaking = [change for change in changes if change.breaking]
    undeclared = [change for change in breaking if not any(each.covers(change) for each in ours)]
    return Assessment(undeclared, [each for each in ours if not any(each.covers(change) for change in breaking)])


def read_declared(path: Path) -> list[Declared]:
    """The declarations in a file; raises `DeclarationsInvalid`."""
    try:
        found = msgspec.convert(tomllib.loads(path.read_text()), type=_File)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise DeclarationsInvalid(path=path, reason=error) from error
    for each in found.breaking:
        if not each.why.strip():
            raise DeclarationsInvalid(path=path, reason=f"{each.operation}: {each.what!r} has an empty `why`")
    return found.breaking


def write_declaration(change: Change, version: str | None = None, to: str | None = None) -> str:
    """The declaration of a change between documents of these versions, with an empty reason."""
    between = {"version": version, "to": to if to != version else None}
    fields = {**between, "operation": change.operation, "what": change.what, "why": ""}
    lines = [f"{name} = {msgspec.json.encode(text).decode()}" for name, text in fields.items() if text is not None]
    return "\n".join(["[[breaking]]", *lines])


class _File(msgspec.Struct, forbid_unknown_fields=True):
    breaking: list[Declared] = []


def _literally(pattern: str) -> str:
    """Only ``*`` is special; locations contain brackets and question marks of their own."""
    return pattern.replace("[", "[[]").replace("?", "[?]")
