from typing import Any

from headwater.http.request import Request
from headwater.http.response import Response
from headwater.http.route import Route


def openapi_route(endpoints: Any, title: str, version: str) -> Route:
    async def show(request: Request) -> Response:
        return Response(b"{}")

    return Route(method="GET", path="/openapi.json", handler=show, hidden=True)
