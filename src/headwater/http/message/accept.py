"""Accept-Encoding: which of our content codings a client prefers (RFC 9110 section 12.5.3)."""

import re
from typing import Final, NamedTuple

CODINGS: Final = (b"zstd", b"br", b"gzip")
"""What we can encode, in the order of our own preference."""
IDENTITY: Final = b"identity"

_MEMBER: Final = re.compile(
    rb"([!#$%&'*+.^_`|~0-9a-z-]+)(?:[ \t]*;[ \t]*q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?))?", re.IGNORECASE
)
_ALIASES: Final = {b"x-gzip": b"gzip"}  # RFC 9110 section 8.4.1.3
_LEAST: Final = 0.0005  # below every q that is not zero: what nobody has mentioned


class Preference(NamedTuple):
    """`coding` is what to encode with, empty for no coding, None if the client takes nothing that we have.

    `insists`: an answer that is not encoded is refused, however small.
    """

    coding: bytes | None
    insists: bool


def preference_of(header: bytes) -> Preference:
    """What a client that sent `header` prefers: the highest q; at equal q compressed, and our own order."""
    given = _read(header)
    plain = _quality(given, IDENTITY)
    best, best_quality = b"", plain if IDENTITY in given else min(plain, _LEAST)
    for coding in reversed(CODINGS):
        quality = _quality(given, coding)
        if quality > 0 and quality >= best_quality:
            best, best_quality = coding, quality
    if not best and plain == 0:
        return Preference(None, True)
    return Preference(best, plain == 0)


def accepts(header: bytes | None, coding: bytes) -> bool:
    """Whether a client takes what is encoded with `coding`, which is empty for no coding; any if it does not say."""
    return header is None or _quality(_read(header), coding or IDENTITY) > 0


def _quality(given: dict[bytes, float], coding: bytes) -> float:
    """Identity is acceptable unless it is excluded, by itself or by ``*``; others only if they are mentioned."""
    if coding in given:
        return given[coding]
    if b"*" in given:
        return given[b"*"]
    return _LEAST if coding == IDENTITY else 0.0


def _read(header: bytes) -> dict[bytes, float]:
    """The q of each coding mentioned. A malformed member is passed over: what it names counts as not mentioned."""
    given: dict[bytes, float] = {}
    for member in header.split(b","):
        match = _MEMBER.fullmatch(member.strip(b" \t"))
        if match is not None:
            name = match[1].lower()
            given[_ALIASES.get(name, name)] = float(match[2]) if match[2] is not None else 1.0
    return given
