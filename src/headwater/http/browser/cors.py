"""CORS: which pages of other origins may read our responses (the Fetch standard, section 3.2).

Without origins in the settings, CORS is off and none of its fields is sent. Otherwise Origin is compared byte for byte
with the list; `null` is never allowed. Every response varies by Origin, so no cache gives one site a response for
another.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from headwater.http.message.answer import Fields
from headwater.http.message.request import Request
from headwater.http.message.response import Response

ANY: Final = "*"
VARY_ORIGIN: Final = (b"vary", b"Origin")
EXPOSED: Final = (
    "Accept-Ranges",
    "API-Version",
    "Content-Digest",
    "Content-Disposition",
    "Content-Range",
    "Deprecation",
    "ETag",
    "Idempotent-Replayed",
    "Link",
    "Location",
    "RateLimit",
    "RateLimit-Policy",
    "Repr-Digest",
    "Retry-After",
    "Sunset",
    "Tus-Extension",
    "Tus-Max-Size",
    "Tus-Resumable",
    "Tus-Version",
    "Upload-Expires",
    "Upload-Length",
    "Upload-Metadata",
    "Upload-Offset",
    "WWW-Authenticate",
    "X-Request-Id",
)
ACCEPTED: Final = (
    "Accept",
    "Accept-Version",
    "API-Version",
    "Authorization",
    "Content-Digest",
    "Content-Type",
    "Idempotency-Key",
    "If-Match",
    "If-Modified-Since",
    "If-None-Match",
    "If-Range",
    "If-Unmodified-Since",
    "Last-Event-ID",
    "Range",
    "Repr-Digest",
    "Request-Timeout",
    "Traceparent",
    "Tracestate",
    "Tus-Resumable",
    "Upload-Checksum",
    "Upload-Defer-Length",
    "Upload-Length",
    "Upload-Metadata",
    "Upload-Offset",
    "X-CSRF-Token",
    "X-HTTP-Method-Override",
    "X-Request-Id",
)
"""Request headers that are read for any route; the headers that routes bind are added."""

_METHOD: Final = b"access-control-request-method"


class Cors:
    """Allows an exact list of origins; ``*`` allows all, without credentials.

    `headers` are the request headers that routes bind beside `ACCEPTED`. Browsers may cache the response to a preflight
    for `max_age` seconds.
    """

    def __init__(self, origins: Iterable[str], credentials: bool, max_age: int, headers: Iterable[str]) -> None:
        self._origins = frozenset(origin.encode() for origin in origins)
        self._any = ANY.encode() in self._origins
        accepted = sorted({name.lower(): name for name in (*headers, *ACCEPTED)}.values(), key=str.lower)
        self._accepted = ", ".join(accepted)
        self._max_age = str(max_age)
        self._with: Fields = [(b"access-control-allow-credentials", b"true")] if credentials else []
        self._exposed: Fields = [(b"access-control-expose-headers", ", ".join(EXPOSED).encode())]

    def grant(self, request: Request) -> None:
        """Let the page that sent a request read the response, if its origin is allowed."""
        allowed = self._allowed(request)
        if allowed is not None:
            for name, value in (*allowed, *self._exposed):
                request.add(name, value)

    def asks(self, request: Request) -> bool:
        """Whether a request is a preflight, by which a browser asks whether a page may send a request.

        It is served without authentication: browsers send no credential with it.
        """
        return request.method == "OPTIONS" and _METHOD in request.fields and b"origin" in request.fields

    def answer(self, request: Request, methods: Sequence[str]) -> Response:
        """The response to a preflight at a path with these methods; it allows nothing to other origins."""
        if self._allowed(request) is None:
            return Response(status=204)
        fields = {
            "Access-Control-Allow-Methods": ", ".join(methods),
            "Access-Control-Allow-Headers": self._accepted,
            "Access-Control-Max-Age": self._max_age,
        }
        return Response(status=204, headers=fields)

    def _allowed(self, request: Request) -> Fields | None:
        """The fields that allow the origin; None if it is not allowed."""
        origin = request.fields.get(b"origin")
        if origin is None or request.count(b"origin") > 1:
            return None
        if self._any:
            return [(b"access-control-allow-origin", b"*")]
        if origin in self._origins:
            return [(b"access-control-allow-origin", origin), *self._with]
        return None
