"""CSRF: a request that changes something and was authenticated by a cookie must come from our own page.

Browsers send cookies by themselves, also with a form that another site submits. So such a request must pass three
checks, after OWASP's cheat sheet on cross-site request forgery:

- the browser's own word: ``Sec-Fetch-Site`` is ``same-origin`` or ``none``; where a browser is too old to send it,
  ``Origin`` is this host. An origin that CORS allows passes both.
- a token that only a page which may read our answers can know: an HMAC of the session's secret, in ``X-CSRF-Token``.
- no content type that a form can send.

A request with a bearer token or an API key was sent on purpose, so it is not checked.
"""

from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from headwater.http.message.answer import Answer
from headwater.http.message.csrftoken import fits
from headwater.http.message.problem import Problem
from headwater.http.message.problemtype import CROSS_SITE
from headwater.http.message.request import Request
from headwater.http.route.call import Call

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
HEADER: Final = b"x-csrf-token"

_OF_FORMS: Final = frozenset({b"application/x-www-form-urlencoded", b"multipart/form-data", b"text/plain", b""})
"""What a form can send without a preflight, including no type (the Fetch standard's safelist)."""
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


def with_csrf(call: Call, origins: Iterable[str]) -> Call:
    """The call after the checks, for requests authenticated by a cookie; `origins` are those that CORS allows."""
    allowed = frozenset(origin.encode() for origin in origins if origin != "*")

    async def call_checked(request: Request) -> Answer:
        if request.session is not None:
            check(request, request.session, allowed)
        return await call(request)

    return call_checked


def check(request: Request, session: str, origins: frozenset[bytes]) -> None:
    """Raise a `Problem` 403 for a request that another site may have caused."""
    if not _is_from_here(request, origins):
        raise _refused("It comes from a page of another site.")
    token = request.fields.get(HEADER)
    if token is None:
        raise _refused("It has no X-CSRF-Token, which a request with a session cookie requires.")
    if not fits(session, token.decode("latin-1")):
        raise _refused("Its X-CSRF-Token does not belong to its cookie.")
    if _could_be_a_form(request):
        raise _refused("Its body has a media type that a form can send; send application/json.")


def _is_from_here(request: Request, origins: frozenset[bytes]) -> bool:
    origin = request.fields.get(b"origin")
    if origin is not None and origin in origins:
        return True
    site = request.fields.get(b"sec-fetch-site")
    if site is not None:
        return site in (b"same-origin", b"none")
    return origin is None or is_origin_of(origin, request.fields.get(b"host", b""))  # not a browser: the token decides


def is_origin_of(origin: bytes, host: bytes) -> bool:
    """Whether an origin is that of a Host header, over http or https."""
    try:
        parts = urlsplit(origin.decode("ascii"))
        standing = urlsplit(f"//{host.decode('ascii')}")
        port = _DEFAULT_PORTS[parts.scheme]
        ours = standing.port or port
        return parts.hostname is not None and (parts.hostname, parts.port or port) == (standing.hostname, ours)
    except (ValueError, KeyError):
        return False


def _could_be_a_form(request: Request) -> bool:
    fields = request.fields
    if fields.get(b"content-length", b"0") == b"0" and b"transfer-encoding" not in fields:
        return False
    return fields.get(b"content-type", b"").partition(b";")[0].strip().lower() in _OF_FORMS


def _refused(detail: str) -> Problem:
    return CROSS_SITE.problem(f"The request was not executed. {detail}")
