"""A key: what a limit is counted under for one of those whom it tells apart.

Whom it is about is only there as a digest. So keys are short, whatever clients send, which bounds what a store keeps;
and neither addresses nor names nor secrets stand in a Valkey.
"""

from hashlib import blake2b
from typing import Final

_DIGEST_BYTES: Final = 16


def key_of(name: str, who: str) -> str:
    """``reads:5d41402abc4b2a76b9719d911017c592``"""
    return f"{name}:{blake2b(who.encode('utf-8', 'surrogatepass'), digest_size=_DIGEST_BYTES).hexdigest()}"
