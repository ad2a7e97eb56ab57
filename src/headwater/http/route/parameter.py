"""Markers: where in a request a handler's parameter comes from, when its type alone does not say it.

::

    async def search(db: Db, agent: Annotated[str, Header("User-Agent")], page: Annotated[int, Query("p")] = 1) -> …
"""

import msgspec

from headwater.binding.signature import Marker


class Header(Marker, msgspec.Struct, frozen=True):
    """The header field `name`; by default the parameter's name with hyphens, so `user_agent` is User-Agent."""

    name: str | None = None


class Query(Marker, msgspec.Struct, frozen=True):
    """The query parameter `name`; by default the parameter's name."""

    name: str | None = None


class Body(Marker, msgspec.Struct, frozen=True):
    """The whole JSON body, of any type; for `bytes`, the raw body of any media type."""
