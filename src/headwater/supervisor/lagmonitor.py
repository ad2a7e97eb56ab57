"""The gauge: how far relay and consumers are behind, asked again and again while the backend runs."""

import asyncio
import time
from typing import Final

import msgspec

from headwater.consumer import Lag, lag
from headwater.db import DbError, Pool, StatementTimeout
from headwater.wal.backlog import Backlog, read_backlog

PATIENCE_SECONDS: Final = 5.0
"""A PostgreSQL that leaves a simple question unanswered for so long is not available, whatever its sockets say."""


class Measurement(msgspec.Struct, frozen=True, kw_only=True):
    """What one look saw; `backlog` is None where there is no log yet."""

    consumers: tuple[Lag, ...]
    backlog: Backlog | None
    seconds: float
    """That it took."""


class LagMonitor:
    """Knows what it saw last, and, between a loss of PostgreSQL and the next success, why it sees nothing."""

    def __init__(self, url: str, slot: str) -> None:
        self.last: Measurement | None = None
        self.trouble: str | None = None
        self._url = url
        self._slot = slot
        self._pool: Pool | None = None

    async def measure(self) -> float:
        """Refresh `last`, or else set `trouble`; returns the seconds that PostgreSQL worked for it."""
        try:
            self.last = await self._measure(time.monotonic())
        except TimeoutError:
            self.trouble = f"PostgreSQL did not answer within {PATIENCE_SECONDS:g} seconds"
        except StatementTimeout as error:
            self.trouble = str(error)
            return PATIENCE_SECONDS  # and more: how far consumers are behind is too much to be asked often
        except DbError as error:
            self.trouble = str(error)
        else:
            self.trouble = None
            return self.last.seconds
        return 0.0

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.close()

    async def _measure(self, began: float) -> Measurement:
        """First what is answered at once by a PostgreSQL that answers at all."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            self._pool = self._pool or await Pool.open(
                self._url, size=1, read_only=True, application_name="headwater supervisor"
            )
            async with self._pool.acquire() as connection:
                backlog = await read_backlog(connection, self._slot)
        consumers = await lag(self._pool)
        return Measurement(consumers=tuple(consumers), backlog=backlog, seconds=time.monotonic() - began)
