"""The token of a session, by which a page proves that it may read what is answered under the session's cookie."""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from secrets import token_bytes
from typing import Final

_PURPOSE: Final = b"headwater csrf"
_BYTES: Final = 32


def token_of(session: str) -> str:
    """A token of a session, another one each time.

    It is the HMAC of the session's secret behind a mask of random bits, so that the same text never stands in two
    answers for compression to guess at. Whoever has it cannot find the secret from it.
    """
    mask = token_bytes(_BYTES)
    return urlsafe_b64encode(mask + _xor(mask, _mac(session))).rstrip(b"=").decode()


def fits(session: str, token: str) -> bool:
    """Whether a token is one of a session; takes as long whatever is wrong with it."""
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
