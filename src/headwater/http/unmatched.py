"""Nowhere: what answers a request that no route matches."""

from headwater.http.binding.resources import Resources
from headwater.http.endpoint import Endpoint, compile_endpoint
from headwater.http.message.problem import Problem
from headwater.http.message.request import Request
from headwater.http.message.response import Response
from headwater.http.route.route import Route
from headwater.http.router import Router

LABEL = "unmatched"


def nowhere(router: Router, resources: Resources) -> Endpoint:
    """The endpoint of every other path and method: 404, 405 with Allow, or what OPTIONS wants to know."""

    async def answer(request: Request) -> Response:
        if request.path == "*" and request.method == "OPTIONS":  # about the server as a whole, RFC 9110 section 9.3.7
            return _allowed(sorted({endpoint.method for endpoint in router.endpoints} | {"OPTIONS"}))
        methods = router.methods(request.scope)
        if not methods:
            raise Problem(404, detail="There is nothing at this path.")
        if request.method == "OPTIONS":
            return _allowed(methods)
        detail = f"This path has {', '.join(methods)}, but not {request.method[:20]}."
        raise Problem(405, detail=detail, headers={"Allow": ", ".join(methods)})

    endpoint = compile_endpoint(
        Route(method="other", path="/", handler=answer, compress=False, limits=(), vital=True), resources
    )
    endpoint.label = LABEL
    return endpoint


def _allowed(methods: list[str]) -> Response:
    return Response(status=204, headers={"Allow": ", ".join(methods)})
