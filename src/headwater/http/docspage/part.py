"""The documentation page as a part."""

from collections.abc import Sequence

from headwater.http.docspage.routes import docs_routes
from headwater.http.openapi.about import About
from headwater.http.route.route import Route
from headwater.http.serving.platform import PlatformRoutes
from headwater.part import Part
from headwater.settings import Settings


def documentation() -> Part:
    """Serve the page at /docs, unless HEADWATER_DOCS is off."""
    return Part("documentation", PlatformRoutes(of=_routes))


def _routes(settings: Settings, about: About) -> Sequence[Route]:
    return docs_routes(about.title) if settings.docs else ()
