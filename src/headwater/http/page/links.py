"""Links: the adjacent pages in a Link header (RFC 8288).

Targets have the path and the query of the request, without its cursor. There is no rel=last: it would require counting.
"""

from typing import Final
from urllib.parse import quote_from_bytes, unquote_to_bytes

LENGTH_LIMIT: Final = 6144
"""Maximum bytes of the header. A longer one is left out, because the server would refuse it; the body has the same
cursors."""

_SAFE: Final = "%!$&'()*+,;=:@/?-._~"  # of RFC 3986 section 3.4; brackets and whatever else is escaped


def link_header(path: str, query: bytes, next: str | None, previous: str | None) -> bytes | None:
    """The value of the header."""
    kept = b"&".join(pair for pair in query.split(b"&") if pair and not _is_cursor(pair))
    base = quote_from_bytes(kept, safe=_SAFE)
    targets = [("next", next), ("prev", previous), ("first", "")]
    links = [f'<{_target(path, base, cursor)}>; rel="{rel}"' for rel, cursor in targets if cursor is not None]
    value = ", ".join(links).encode()
    return value if len(value) <= LENGTH_LIMIT else None


def _target(path: str, query: str, cursor: str) -> str:
    asked = "&".join(part for part in (query, f"cursor={cursor}" if cursor else "") if part)
    return quote_from_bytes(path.encode(), safe=_SAFE) + (f"?{asked}" if asked else "")


def _is_cursor(pair: bytes) -> bool:
    return unquote_to_bytes(pair.partition(b"=")[0].replace(b"+", b" ")) == b"cursor"
