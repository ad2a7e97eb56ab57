"""A body on its way in: piece by piece, within a limit of bytes, and no slower than it may be.

The time limit is a rate and not a number of seconds, because large files may take long and slow clients are none the
less clients. What counts is the time spent waiting for the client; what the store takes is not held against it.
"""

import asyncio
from collections.abc import AsyncIterator
from time import monotonic
from typing import Any, Final

from headwater.http.message.body import BodyBroken, BodyLimits
from headwater.http.message.problem import Problem
from headwater.http.message.request import Request

_DIGITS: Final = 20


class Incoming:
    """The pieces of a request's body. Raises a `Problem` 413 or 408, and `BodyBroken` if the client goes away."""

    def __init__(self, request: Request, limit: int) -> None:
        self._receive = request.receive
        self._limits = request.body_limits
        self._limit = limit
        self._waited = 0.0
        self.size = 0
        """Bytes that have arrived."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        more = True
        while more:
            message = await self._next()
            if message["type"] != "http.request":
                raise BodyBroken
            piece: bytes = message.get("body", b"")
            self.size += len(piece)
            if self.size > self._limit:
                raise too_large(self._limit)
            if piece:
                yield piece
            more = message.get("more_body", False)

    async def _next(self) -> dict[str, Any]:
        since = monotonic()
        try:
            async with asyncio.timeout(self._patience()):
                return await self._receive()
        except TimeoutError:
            raise _too_slow(self._limits) from None
        finally:
            self._waited += monotonic() - since

    def _patience(self) -> float:
        """Seconds to wait now: one pause has a limit, and so have all of them for what has come in return."""
        earned = self._limits.seconds + self.size / self._limits.rate
        return max(0.0, min(self._limits.seconds, earned - self._waited))


def refuse_large(request: Request, limit: int) -> None:
    """Raise a `Problem` 413 if the body is announced to be larger than `limit`."""
    declared = request.fields.get(b"content-length", b"")
    if declared.isdigit() and int(declared[:_DIGITS]) > limit:
        raise too_large(limit)


def too_large(limit: int) -> Problem:
    """The problem of a body that is larger than it may be."""
    return Problem(413, detail=f"The file must not exceed {limit} bytes.", limit=limit)


def _too_slow(limits: BodyLimits) -> Problem:
    detail = f"The upload is too slow: it must average {limits.rate} bytes per second after {limits.seconds:g} seconds."
    return Problem(408, detail=detail)
