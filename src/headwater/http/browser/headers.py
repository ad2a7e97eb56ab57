"""Security headers of every response, computed once and sent as one list.

After OWASP's REST Security and HTTP Headers cheat sheets. Data has a policy under which nothing in it can run or be
framed. A Response keeps fields that it sets itself, as the documentation page does, and a response of HTML gets the
fields that only pages need.
"""

import re
from collections.abc import Iterable
from typing import Final

from headwater.http.message.answer import Fields
from headwater.http.message.problem import Problem
from headwater.http.message.request import Request
from headwater.http.message.response import NOSNIFF
from headwater.settings import Settings

ALWAYS_ANSWERED: Final = frozenset({"/livez", "/readyz", "/startupz"})
"""Paths that probes request by address; their responses do not depend on the host."""

_SERVER: Final = (b"server", b"headwater")  # otherwise the server sends its own name
_REFERRER: Final = (b"referrer-policy", b"no-referrer")
_FRAMES: Final = (b"x-frame-options", b"DENY")
_RESOURCE: Final = (b"cross-origin-resource-policy", b"same-origin")
_POLICY: Final = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
_PAGE: Final = [
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()"),
]


class Security:
    """`fields` go with every response of ours; `mounted` are added to responses of mounted applications that lack
    them."""

    def __init__(self, settings: Settings) -> None:
        transport: Fields = []
        if settings.hsts_seconds:
            value = b"max-age=%d; includeSubDomains" % settings.hsts_seconds
            transport = [(b"strict-transport-security", value)]
        self.fields: Fields = [_SERVER, _POLICY, _FRAMES, _REFERRER, _RESOURCE, *transport]
        self.mounted: Fields = [NOSNIFF, _FRAMES, _REFERRER, _RESOURCE, *transport] if settings.mount_headers else []
        self._ours = frozenset(self.fields)

    def settle(self, fields: Fields) -> Fields:
        """The fields of a response that may have set some itself: its own win, and a page gets the fields of pages."""
        settled: Fields = []
        seen: set[bytes] = set()
        page = False
        for field in fields:
            name = field[0]
            if field in self._ours and name in seen:
                continue
            seen.add(name)
            settled.append(field)
            page = page or (name == b"content-type" and field[1].startswith(b"text/html"))
        return [*settled, *(field for field in _PAGE if field[0] not in seen)] if page else settled


_NAME: Final = re.compile(rb"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
"""A valid subdomain: in ``evil.org?.example.org`` a URL parser finds another host."""


class Hosts:
    """The host names of this backend: exact ones, and with a leading dot all subdomains."""

    def __init__(self, names: Iterable[str]) -> None:
        lowered = [name.lower() for name in names]
        self._exact = frozenset(name.encode() for name in lowered if not name.startswith("."))
        self._below = tuple(name.encode() for name in lowered if name.startswith("."))

    def check(self, request: Request) -> None:
        """Raise a `Problem` 421 (RFC 9110 section 15.5.20) for a request to another host."""
        if request.path not in ALWAYS_ANSWERED and not self.takes(request.fields.get(b"host", b"")):
            raise Problem(421, detail="This server does not serve that host.")

    def takes(self, authority: bytes) -> bool:
        """Whether a Host header names one of them."""
        name = host_of(authority)
        return name in self._exact or (name.endswith(self._below) and _NAME.fullmatch(name) is not None)


def host_of(authority: bytes) -> bytes:
    """The host without its port, in lower case; an IPv6 address keeps its brackets."""
    name, colon, port = authority.strip(b" \t").lower().rpartition(b":")
    return name if colon and (port.isdigit() or not port) else authority.strip(b" \t").lower()
