"""Digest fields: the digests that a sender declares, checked while the body arrives (RFC 9530).

Content-Digest covers the content of the message, Repr-Digest the whole representation. Request bodies are neither
compressed nor partial, so both cover the same bytes here.

The problems are those of draft-ietf-httpapi-digest-fields-problem-types-06. Only sha-256 and sha-512 are supported: the
other algorithms of the registry are deprecated. Of a field with several, the supported ones are checked.
"""

import base64
import hashlib
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

import http_sf

from headwater.http.message.problem import Problem
from headwater.http.message.problemtype import DIGEST_INVALID, DIGEST_MISMATCHED, DIGEST_UNSUPPORTED
from headwater.http.message.request import Request

FIELDS: Final = ("Content-Digest", "Repr-Digest")
WANTED: Final = "sha-256=10, sha-512=3"
"""The algorithms that we prefer (section 4)."""

_LENGTHS: Final = {"sha-256": 32, "sha-512": 64}
_FIELD_BYTES: Final = 4096


class Expected(NamedTuple):
    """A digest that a request declares."""

    header: str
    algorithm: str
    value: bytes


class Hashing:
    """The hashes of a stream: always SHA-256, and the expected ones."""

    def __init__(self, expected: Iterable[Expected]) -> None:
        self._expected = tuple(expected)
        self._hashes = {"sha-256": hashlib.sha256()}
        for each in self._expected:
            if each.algorithm not in self._hashes:
                self._hashes[each.algorithm] = hashlib.sha512()

    def update(self, piece: bytes) -> None:
        """Add the next bytes."""
        for each in self._hashes.values():
            each.update(piece)

    @property
    def sha256(self) -> bytes:
        """The SHA-256 of the bytes so far."""
        return self._hashes["sha-256"].digest()

    def check(self) -> None:
        """Raise a `Problem` 400 that lists the mismatches, without the right digests, as the draft's section 4
        advises."""
        wrong = [each for each in self._expected if self._hashes[each.algorithm].digest() != each.value]
        if wrong:
            listed = [
                {"algorithm": each.algorithm, "provided-digest": _written(each.value), "header": each.header}
                for each in wrong
            ]
            extensions: Any = {"mismatched-digests": listed}
            detail = "The bytes that arrived do not have the declared digest. Send them again."
            raise DIGEST_MISMATCHED.problem(detail, **extensions)


def expected_of(request: Request) -> list[Expected]:
    """The digests that a request declares; raises a `Problem` 400 for invalid or unsupported ones."""
    found: list[Expected] = []
    for header in FIELDS:
        if header.lower().encode() in request.fields:
            found += _of_header(header, request)
    return found


def repr_digest(sha256: bytes) -> bytes:
    """The value of Repr-Digest or Content-Digest."""
    return http_sf.ser({"sha-256": sha256}).encode()


def wants_content_digest(request: Request) -> bool:
    """Whether a client wants a Content-Digest with SHA-256 (section 4); a malformed field is ignored."""
    if b"want-content-digest" not in request.fields:
        return False
    try:
        wishes = _parse(request.headers["want-content-digest"])
    except ValueError:
        return False
    wish = wishes.get("sha-256", (0, {}))[0]
    return type(wish) is int and wish > 0


def _of_header(header: str, request: Request) -> list[Expected]:
    try:
        members = _parse(request.headers[header])
    except ValueError:
        raise Problem(400, detail=f"{header} is not a dictionary of digests, such as sha-256=:…:.") from None
    known = {name: value for name, (value, _) in members.items() if name in _LENGTHS}
    if not known:
        listed = [{"algorithm": name, "header": header} for name in members]
        raise DIGEST_UNSUPPORTED.problem(
            f"{header} has no sha-256 and no sha-512.", {f"Want-{header}": WANTED}, **{"unsupported-algorithms": listed}
        )
    invalid = [
        {"algorithm": name, "header": header, "reason": f"it is not a byte sequence of {_LENGTHS[name]} bytes"}
        for name, value in known.items()
        if not isinstance(value, bytes) or len(value) != _LENGTHS[name]
    ]
    if invalid:
        extensions: Any = {"invalid-digests": invalid}
        raise DIGEST_INVALID.problem(f"{header} has an invalid digest.", **extensions)
    return [Expected(header, name, value) for name, value in known.items()]


def _parse(text: str) -> dict[str, Any]:
    if len(text) > _FIELD_BYTES:
        raise ValueError("too long")
    found: dict[str, Any] = http_sf.parse(text.encode("latin-1"), tltype="dictionary")  # type: ignore[assignment]
    return found


def _written(value: bytes) -> str:
    return f":{base64.b64encode(value).decode()}:"
