"""CORS: which pages of other origins may read what is answered here (the Fetch standard, section 3.2).

Without origins in the settings there is none, and no field of it is ever sent. With them, an Origin is compared byte
for byte with the list, `null` is never on it, and every answer says that it depends on Origin, so that no cache gives
one site what was meant for another.
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
"""Request headers that have a meaning here, whatever the routes; those that routes bind come in addition."""

_METHOD: Final = b"access-control-request-method"


class Cors:
    """Grants by an exact list of origins; ``*`` in it grants to all, which goes without credentials only.

    `headers` are the request headers that the routes bind beside `ACCEPTED`. `max_age` seconds a browser may remember
    the answer to a preflight.
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
        """Let the page that a request comes from read whatever is answered, if its origin is one of the list."""
        allowed = self._allowed(request)
        if allowed is not None:
            for name, value in (*allowed, *self._exposed):
                request.add(name, value)

    def asks(self, request: Request) -> bool:
        """Whether a request is a preflight: the question of a browser whether a page may send another one.

        It is answered before anybody is identified: browsers send no credential with it.
        """
        return request.method == "OPTIONS" and _METHOD in request.fields and b"origin" in request.fields

    def answer(self, request: Request, methods: Sequence[str]) -> Response:
        """The answer to a preflight at a path with these methods; it grants nothing to an origin that has no grant."""
        if self._allowed(request) is None:
            return Response(status=204)
        fields = {
            "Access-Control-Allow-Methods": ", ".join(methods),
            "Access-Control-Allow-Headers": self._accepted,
            "Access-Control-Max-Age": self._max_age,
        }
        return Response(status=204, headers=fields)

    def _allowed(self, request: Request) -> Fields | None:
        """The fields that grant; None if the origin is not granted anything."""
        origin = request.fields.get(b"origin")
        if origin is None or request.count(b"origin") > 1:
            return None
        if self._any:
            return [(b"access-control-allow-origin", b"*")]
        if origin in self._origins:
            return [(b"access-control-allow-origin", origin), *self._with]
        return None
