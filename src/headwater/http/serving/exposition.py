"""The exposition of the metrics at /metrics, for Prometheus."""

import asyncio

from headwater.http.limit.options import LimitOption
from headwater.http.load.options import LoadOption
from headwater.http.message.request import Request
from headwater.http.message.response import Response
from headwater.http.route.route import Route
from headwater.http.serving.options import LogOption
from headwater.observe import Metrics


def metrics_route(metrics: Metrics) -> Route:
    """The route that shows what all processes of the host have measured."""

    async def show_metrics(request: Request) -> Response:
        content_type, text = await asyncio.to_thread(metrics.expose, request.headers.get("accept", ""))
        return Response(text, media_type=content_type, headers={"Cache-Control": "no-store"})

    options = (LimitOption(limits=()), LoadOption(vital=True), LogOption(quiet=True))
    return Route(method="GET", path="/metrics", handler=show_metrics, hidden=True, options=options)
