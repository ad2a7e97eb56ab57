"""Routes of the platform, which have no version, such as the documentation."""

from collections.abc import Callable, Sequence

from headwater.http.openapi.about import About
from headwater.http.route.route import Route
from headwater.part import Declaration
from headwater.settings import Settings


class PlatformRoutes(Declaration, frozen=True, kw_only=True):
    """`of` creates the routes from the settings and the `About` of the API."""

    of: Callable[[Settings, About], Sequence[Route]]
