"""The gauge: how far each consumer is behind, asked again and again while the backend runs."""

import time

from headwater.consumer import lag
from headwater.db import DbError, Pool
from headwater.supervisor.state import ConsumerState


class Gauge:
    """Knows what it saw last, and, between a loss of PostgreSQL and the next success, why it sees nothing."""

    def __init__(self, url: str) -> None:
        self.consumers: tuple[ConsumerState, ...] = ()
        self.trouble: str | None = None
        self._url = url
        self._pool: Pool | None = None

    async def look(self) -> float:
        """Refresh `consumers`, or else set `trouble`; returns the seconds that it took."""
        began = time.monotonic()
        try:
            self._pool = self._pool or await Pool.open(
                self._url, size=1, read_only=True, application_name="headwater supervisor"
            )
            self.consumers = tuple(
                ConsumerState(
                    consumer=each.consumer,
                    entries=each.entries,
                    seconds=each.seconds,
                    in_retry=each.in_retry,
                    parked=each.parked,
                )
                for each in await lag(self._pool)
            )
            self.trouble = None
        except DbError as error:
            self.trouble = str(error)
        return time.monotonic() - began

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.close()
