"""Routes of the platform: those that belong to no version of the API, such as the documentation."""

from collections.abc import Callable, Sequence

from headwater.http.openapi.about import About
from headwater.http.route.route import Route
from headwater.part import Declaration
from headwater.settings import Settings


class PlatformRoutes(Declaration, frozen=True, kw_only=True):
    """`of` makes the routes from the settings and from what the OpenAPI document says of the whole."""

    of: Callable[[Settings, About], Sequence[Route]]
