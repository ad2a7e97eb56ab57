"""The lag monitor: measures how far relay and consumers are behind, while the backend runs."""

import asyncio
import time
from typing import Final

import msgspec

from headwater.consumer import Lag, lag
from headwater.db import DbError, Pool, StatementTimeout
from headwater.wal.backlog import Backlog, read_backlog

PATIENCE_SECONDS: Final = 5.0
"""The timeout of a simple query, after which PostgreSQL counts as unreachable."""


class Measurement(msgspec.Struct, frozen=True, kw_only=True):
    """One measurement; `backlog` is None if the log is not prepared."""

    consumers: tuple[Lag, ...]
    backlog: Backlog | None
    seconds: float
    """Its duration."""


class LagMonitor:
    """Has the last measurement and, while PostgreSQL is unreachable, the reason in `trouble`."""

    def __init__(self, url: str, slot: str) -> None:
        self.last: Measurement | None = None
        self.trouble: str | None = None
        self._url = url
        self._slot = slot
        self._pool: Pool | None = None

    async def measure(self) -> float:
        """Update `last`, or set `trouble`; returns the seconds for which PostgreSQL worked."""
        try:
            self.last = await self._measure(time.monotonic())
        except TimeoutError:
            self.trouble = f"PostgreSQL did not respond within {PATIENCE_SECONDS:g} seconds"
        except StatementTimeout as error:
            self.trouble = str(error)
            return PATIENCE_SECONDS  # consumer lag is too expensive to be measured often
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
        """First the cheap query, to which a reachable PostgreSQL responds at once."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            self._pool = self._pool or await Pool.open(
                self._url, size=1, read_only=True, application_name="headwater supervisor"
            )
            async with self._pool.acquire() as connection:
                backlog = await read_backlog(connection, self._slot)
        consumers = await lag(self._pool)
        return Measurement(consumers=tuple(consumers), backlog=backlog, seconds=time.monotonic() - began)
