"""Media types: whether a body is JSON, and whether a client accepts a response (RFC 9110, 8.3 and 12.5.1)."""

import re
from collections.abc import Callable
from typing import Final

from headwater.http.message.problem import Problem

JSON: Final = "application/json"
NDJSON: Final = "application/x-ndjson"

_REMEMBERED: Final = 256
_NO_MATCH: Final = -1
_TYPE: Final = re.compile(r"\s*([\w!#$&^.+*-]+/[\w!#$&^.+*-]+)\s*((?:;.*)?)", re.ASCII | re.DOTALL)
_CHARSET: Final = re.compile(r';\s*charset\s*=\s*"?([^";\s]+)"?', re.IGNORECASE)
_QUALITY: Final = re.compile(r";\s*q\s*=\s*([0-9.]+)\s*(?:;|$)", re.IGNORECASE)


def is_json(content_type: str) -> bool:
    """Whether it is JSON in UTF-8: ``application/json`` or a type that ends in ``+json``."""
    match = _TYPE.fullmatch(content_type.lower())
    if match is None or not (match[1] == JSON or (match[1].startswith("application/") and match[1].endswith("+json"))):
        return False
    charset = _CHARSET.search(match[2])
    return charset is None or charset[1] in ("utf-8", "utf8")


def not_json(content_type: str | None) -> Problem:
    """The problem of a body that is not declared as JSON."""
    got = f"not {content_type!r}" if content_type else "and Content-Type does not say so"
    return Problem(415, detail=f"The body must be {JSON} in UTF-8, {got}.", headers={"Accept-Post": JSON})


def encoded() -> Problem:
    """The problem of a body that is compressed (RFC 9110 section 15.5.16)."""
    headers = {"Accept-Encoding": "identity", "Accept-Post": JSON}
    return Problem(415, detail="The body must not be compressed.", headers=headers)


def takes(accept: str, media_type: str) -> bool:
    """Whether `accept` allows `media_type`: the most specific range decides; q=0 refuses."""
    found: dict[int, float] = {}
    for part in accept.lower().split(","):
        match = _TYPE.fullmatch(part)
        if match is not None:
            specificity = _specificity(match[1], media_type)
            found[specificity] = max(_quality(match[2]), found.get(specificity, 0.0))
    found.pop(_NO_MATCH, None)
    return bool(found) and found[max(found)] > 0


def accept_check(media_type: str) -> Callable[[bytes], None]:
    """A function that raises a `Problem` 406 for an Accept header that does not allow `media_type`, with a cache."""
    known: dict[bytes, bool] = {b"*/*": True, media_type.encode(): True}

    def check(accept: bytes) -> None:
        fits = known.get(accept)
        if fits is None:
            fits = takes(accept.decode("latin-1"), media_type)
            if len(known) < _REMEMBERED and len(accept) < _REMEMBERED:
                known[accept] = fits
        if not fits:
            raise Problem(406, detail=f"This operation responds with {media_type}.", available=[media_type])

    return check


def _specificity(pattern: str, media_type: str) -> int:
    if pattern == media_type:
        return 2
    if pattern == media_type.partition("/")[0] + "/*":
        return 1
    return 0 if pattern == "*/*" else _NO_MATCH


def _quality(parameters: str) -> float:
    match = _QUALITY.search(parameters)
    try:
        return min(float(match[1]), 1.0) if match else 1.0
    except ValueError:
        return 1.0
