"""The CSRF token of a session: it proves that a page can read responses to the session's cookie."""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from secrets import token_bytes
from typing import Final

_PURPOSE: Final = b"headwater csrf"
_BYTES: Final = 32


def token_of(session: str) -> str:
    """A token of a session, different each time.

    It is the HMAC of the session's secret, masked with random bits, so the same string never appears in two responses
    (BREACH). The secret cannot be computed from it.
    """
    mask = token_bytes(_BYTES)
    return urlsafe_b64encode(mask + _xor(mask, _mac(session))).rstrip(b"=").decode()


def fits(session: str, token: str) -> bool:
    """Whether a token belongs to a session, compared in constant time."""
    try:
        decoded = urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
    except ValueError:
        return False
    mask, masked = decoded[:_BYTES], decoded[_BYTES:]
    return len(decoded) == 2 * _BYTES and hmac.compare_digest(_xor(mask, masked), _mac(session))


def _mac(session: str) -> bytes:
    return hmac.digest(session.encode(), _PURPOSE, sha256)


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=False))
