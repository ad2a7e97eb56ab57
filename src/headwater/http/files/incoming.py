"""An incoming body: piece by piece, with a limit of bytes and a minimum rate.

The timeout is a rate and not a number of seconds, because large files may take long. Only the time spent waiting for
the client counts, not the time of the store.
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
    """The pieces of a request's body. Raises a `Problem` 413 or 408, and `BodyBroken` if the client disconnects."""

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
        """Seconds to wait now: each pause is limited, and their sum is limited by the bytes received."""
        earned = self._limits.seconds + self.size / self._limits.rate
        return max(0.0, min(self._limits.seconds, earned - self._waited))


def refuse_large(request: Request, limit: int) -> None:
    """Raise a `Problem` 413 if the Content-Length exceeds `limit`."""
    declared = request.fields.get(b"content-length", b"")
    if declared.isdigit() and int(declared[:_DIGITS]) > limit:
        raise too_large(limit)


def too_large(limit: int) -> Problem:
    """The problem of a body that is too large."""
    return Problem(413, detail=f"The file must not exceed {limit} bytes.", limit=limit)


def _too_slow(limits: BodyLimits) -> Problem:
    detail = f"The upload is too slow: it must average {limits.rate} bytes per second after {limits.seconds:g} seconds."
    return Problem(408, detail=detail)
