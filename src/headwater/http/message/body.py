"""The body of a request: read within limits, and checked for depth before it is decoded."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from itertools import accumulate
from typing import Any, Final

import msgspec

from headwater.http.message.problem import Problem
from headwater.http.message.problemtype import MALFORMED_BODY

Receive = Callable[[], Awaitable[dict[str, Any]]]

_TEXT: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)
_NOT_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))
_UP_AND_DOWN: Final = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")
_ESCAPED_NUL: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


class BodyLimits(msgspec.Struct, frozen=True):
    """The limits of a body: bytes, seconds until it has arrived, and nesting depth.

    An upload must average `rate` bytes per second after `seconds`.
    """

    bytes: int
    seconds: float
    depth: int
    rate: int = 4096


class ClientGone(Exception):
    """The client closed the connection."""


class BodyBroken(ClientGone):
    """The body ended prematurely: the client disconnected, or sent a malformed body."""


async def read_body(receive: Receive, declared: bytes | None, limits: BodyLimits) -> bytes:
    """The whole body; `declared` is its Content-Length. Raises `BodyBroken`, and a `Problem` 413 or 408."""
    if declared is not None and declared.isdigit() and int(declared[:20]) > limits.bytes:
        raise _too_large(limits)
    try:
        async with asyncio.timeout(limits.seconds):
            return await _read_all(receive, limits)
    except TimeoutError:
        raise Problem(408, detail=f"The body did not arrive within {limits.seconds:g} seconds.") from None


async def _read_all(receive: Receive, limits: BodyLimits) -> bytes:
    message = await receive()
    if not message.get("more_body"):
        return _accept(message, 0, limits)
    chunks, size = [], 0
    while True:
        chunks.append(_accept(message, size, limits))
        size += len(chunks[-1])
        if not message.get("more_body"):
            return b"".join(chunks)
        message = await receive()


def _accept(message: dict[str, Any], before: int, limits: BodyLimits) -> bytes:
    if message["type"] != "http.request":
        raise BodyBroken
    chunk: bytes = message.get("body", b"")
    if before + len(chunk) > limits.bytes:
        raise _too_large(limits)
    return chunk


def _too_large(limits: BodyLimits) -> Problem:
    return Problem(413, detail=f"The body must not exceed {limits.bytes} bytes.", limit=limits.bytes)


def check_depth(body: bytes, limit: int) -> None:
    """Raises a `Problem` if arrays and objects are nested deeper than `limit`; linear in the body.

    Most bodies have fewer brackets than the limit, and then counting them is all that is done.
    """
    if body.count(b"[") + body.count(b"{") <= limit:
        return
    steps = _TEXT.sub(b"", body).translate(_UP_AND_DOWN, _NOT_BRACKETS)
    if max(accumulate(memoryview(steps).cast("b")), default=0) > limit:
        raise MALFORMED_BODY.problem(f"Arrays and objects are nested more than {limit} deep.")


def holds_nul(body: bytes) -> bool:
    r"""Whether a string in the JSON body contains the character NUL, which PostgreSQL cannot store."""
    return b"\\u0000" in body and _ESCAPED_NUL.search(body) is not None
