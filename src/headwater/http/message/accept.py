"""Accept-Encoding: which of the supported content codings a client prefers (RFC 9110 section 12.5.3)."""

import re
from typing import Final, NamedTuple

CODINGS: Final = (b"zstd", b"br", b"gzip")
"""The supported codings, in our order of preference."""
IDENTITY: Final = b"identity"

_MEMBER: Final = re.compile(
    rb"([!#$%&'*+.^_`|~0-9a-z-]+)(?:[ \t]*;[ \t]*q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?))?", re.IGNORECASE
)
_ALIASES: Final = {b"x-gzip": b"gzip"}  # RFC 9110 section 8.4.1.3
_LEAST: Final = 0.0005  # the q of a coding that is not mentioned: below every q that is not zero


class Preference(NamedTuple):
    """`coding` is the coding to use, empty for none, None if the client accepts nothing that we support.

    `insists`: the client refuses identity, so even small responses must be encoded.
    """

    coding: bytes | None
    insists: bool


def preference_of(header: bytes) -> Preference:
    """The preference in `header`: the highest q; at equal q compression before identity, in our order."""
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
    """Whether a client accepts `coding` (empty for identity); without the header it accepts any."""
    return header is None or _quality(_read(header), coding or IDENTITY) > 0


def _quality(given: dict[bytes, float], coding: bytes) -> float:
    """Identity is acceptable unless it is excluded, by itself or by ``*``; others only if they are mentioned."""
    if coding in given:
        return given[coding]
    if b"*" in given:
        return given[b"*"]
    return _LEAST if coding == IDENTITY else 0.0


def _read(header: bytes) -> dict[bytes, float]:
    """The q of each mentioned coding. Malformed members are ignored."""
    given: dict[bytes, float] = {}
    for member in header.split(b","):
        match = _MEMBER.fullmatch(member.strip(b" \t"))
        if match is not None:
            name = match[1].lower()
            given[_ALIASES.get(name, name)] = float(match[2]) if match[2] is not None else 1.0
    return given
