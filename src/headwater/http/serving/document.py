"""The route of the OpenAPI document."""

from collections.abc import Sequence

import msgspec

from headwater.http.message.media import JSON
from headwater.http.openapi.about import About
from headwater.http.openapi.document import write_document
from headwater.http.route.route import Route
from headwater.http.serving.static import static_route
from headwater.http.step.operation import Operation
from headwater.part import Declarations


def openapi_route(operations: Sequence[Operation], about: About, declared: Declarations) -> Route:
    """The route of the document of these operations; it is written at the first request."""
    return static_route("/openapi.json", lambda: msgspec.json.encode(write_document(operations, about, declared)), JSON)
