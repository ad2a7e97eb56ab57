"""The access option of a route."""

from typing import TypedDict

from headwater.http.route.option import Option


class AccessOption(Option, frozen=True, kw_only=True):
    """The scopes that a credential must have."""

    scopes: tuple[str, ...] = ()
    """``("tasks:write",)``"""


class AccessOptions(TypedDict, total=False):
    """Options of every route."""

    scopes: tuple[str, ...]
    """The scopes that a credential must have, ``("tasks:write",)``; otherwise 403."""
