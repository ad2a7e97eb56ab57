"""Tracing: the identifier of a request, and its trace.

`traceparent` is parsed strictly by W3C Trace Context level 2; an invalid one means a new trace. A request identifier of
the client is accepted only as ``[\\w.-]{1,64}``. Without either, both are the same new random number, so there is one
identifier to search for.
"""

import os
import re
from random import Random
from typing import Final

_REQUEST_ID: Final = re.compile(rb"[\w.-]{1,64}", re.ASCII)
_TRACEPARENT: Final = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.DOTALL)
_NO_TRACE: Final = b"0" * 32
_NO_PARENT: Final = b"0" * 16

_random = Random(os.urandom(32))
os.register_at_fork(after_in_child=lambda: _random.seed(os.urandom(32)))


def new_id() -> str:
    """32 random hexadecimal digits, not all zero (invalid as a trace id); not secret."""
    return (_random.getrandbits(128) or 1).to_bytes(16, "big").hex()


def new_traceparent(trace: str) -> str:
    """A new traceparent: a random parent id, not sampled."""
    return f"00-{trace}-{_random.getrandbits(64) or 1:016x}-00"


def traceparent_of(header: bytes) -> str | None:
    """A `traceparent` header as version 00 writes it, or None if the header is invalid."""
    match = _TRACEPARENT.fullmatch(header)
    if match is None:
        return None
    version, trace, parent, flags, rest = match.groups()
    if version == b"ff" or trace == _NO_TRACE or parent == _NO_PARENT or (version == b"00" and rest is not None):
        return None
    return f"00-{trace.decode()}-{parent.decode()}-{flags.decode()}"


def request_id_of(header: bytes) -> str | None:
    """The client's identifier, or None if it is not safe in headers and logs."""
    return header.decode() if _REQUEST_ID.fullmatch(header) else None
