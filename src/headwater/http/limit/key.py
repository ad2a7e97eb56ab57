"""A key: the name of a counter, of one limit and one client.

It contains the client only as a digest. So keys are short, whatever clients send, which bounds a store's memory; and no
address, name or secret is stored in Valkey.
"""

from hashlib import blake2b
from typing import Final

_DIGEST_BYTES: Final = 16


def key_of(name: str, who: str) -> str:
    """``reads:5d41402abc4b2a76b9719d911017c592``"""
    return f"{name}:{blake2b(who.encode('utf-8', 'surrogatepass'), digest_size=_DIGEST_BYTES).hexdigest()}"
