"""Unmatched: the response to a request that no route matches."""

from headwater.http.compiler import Compiler
from headwater.http.compression.options import CompressionOption
from headwater.http.endpoint import Endpoint, Linker
from headwater.http.limit.options import LimitOption
from headwater.http.load.options import LoadOption
from headwater.http.message.problem import Problem
from headwater.http.message.request import Request
from headwater.http.message.response import Response
from headwater.http.route.route import Route
from headwater.http.router import Router

LABEL = "unmatched"


def unmatched(router: Router[Endpoint], compiler: Compiler, linker: Linker, version: str | None = None) -> Endpoint:
    """The endpoint of all other paths and methods: 404, 405 with Allow, or the response to OPTIONS."""

    async def answer(request: Request) -> Response:
        if request.path == "*" and request.method == "OPTIONS":  # about the server as a whole, RFC 9110 section 9.3.7
            return _allowed(sorted({endpoint.method for endpoint in router.endpoints} | {"OPTIONS"}))
        methods = router.methods(request.scope)
        if not methods:
            raise Problem(404, detail="There is no route for this path.")
        if request.method == "OPTIONS":
            return _allowed(methods)
        detail = f"This path has {', '.join(methods)}, but not {request.method[:20]}."
        raise Problem(405, detail=detail, headers={"Allow": ", ".join(methods)})

    options = (CompressionOption(compress=False), LimitOption(limits=()), LoadOption(vital=True))
    route = Route(method="other", path="/", handler=answer, options=options)
    return linker.endpoint(compiler.operation(route), label=LABEL, version=version)


def _allowed(methods: list[str]) -> Response:
    return Response(status=204, headers={"Allow": ", ".join(methods)})
