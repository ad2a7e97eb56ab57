"""What a route says of who may come in."""

from typing import TypedDict

from headwater.http.route.option import Option


class AccessOption(Option, frozen=True, kw_only=True):
    """What a credential must allow."""

    scopes: tuple[str, ...] = ()
    """``("tasks:write",)``"""


class AccessOptions(TypedDict, total=False):
    """What every route can say."""

    scopes: tuple[str, ...]
    """What a credential must allow to come in, ``("tasks:write",)``; else 403."""
