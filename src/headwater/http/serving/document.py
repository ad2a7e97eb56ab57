"""The route that shows the document."""

from collections.abc import Sequence

import msgspec

from headwater.http.message.media import JSON
from headwater.http.openapi.about import About
from headwater.http.openapi.document import write_document
from headwater.http.route.route import Route
from headwater.http.serving.static import static_route
from headwater.http.step.operation import Operation
from headwater.part import Declared


def openapi_route(operations: Sequence[Operation], about: About, declared: Declared) -> Route:
    """The route that shows the document of these operations; it is written when first asked for."""
    return static_route("/openapi.json", lambda: msgspec.json.encode(write_document(operations, about, declared)), JSON)
