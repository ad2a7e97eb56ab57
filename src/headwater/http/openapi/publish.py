"""The route that shows the document."""

from collections.abc import Sequence

import msgspec

from headwater.http.endpoint import Endpoint
from headwater.http.media import JSON
from headwater.http.openapi.about import About
from headwater.http.openapi.document import write_document
from headwater.http.request import Request
from headwater.http.response import Response
from headwater.http.route import Route


def openapi_route(endpoints: Sequence[Endpoint], about: About) -> Route:
    """The route that shows the document of these endpoints; it is written when first asked for."""
    written: list[bytes] = []

    async def show_document(request: Request) -> Response:
        if not written:
            written.append(msgspec.json.encode(write_document(endpoints, about)))
        return Response(written[0], media_type=JSON, headers={"Cache-Control": "no-cache"})

    return Route(method="GET", path="/openapi.json", handler=show_document, hidden=True)
