"""The route that shows the document."""

from collections.abc import Sequence

import msgspec

from headwater.http.endpoint import Endpoint
from headwater.http.message.media import JSON
from headwater.http.openapi.about import About
from headwater.http.openapi.document import write_document
from headwater.http.route.route import Route
from headwater.http.serving.static import static_route


def openapi_route(endpoints: Sequence[Endpoint], about: About) -> Route:
    """The route that shows the document of these endpoints; it is written when first asked for."""
    return static_route("/openapi.json", lambda: msgspec.json.encode(write_document(endpoints, about)), JSON)
