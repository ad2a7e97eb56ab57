"""How far each consumer is behind the head of the log, cheaply enough to be asked every second."""

import asyncpg

from headwater.db import DbError, Pool
from headwater.supervisor.state import Lag

LOOKED_AT_BATCHES = 500

_LAGS = f"""
select w.consumer, coalesce(sum(behind.entries), 0)::bigint as entries,
       (select count(*) from headwater.parked p where p.consumer = w.consumer) as parked
  from headwater.watermark w
  left join lateral (
        select sum(b.count) as entries from (
            select count from headwater.batch
             where partition = w.partition and last > w.position
             limit {LOOKED_AT_BATCHES}) b) behind on true
 group by w.consumer order by w.consumer
"""
"""Batches counted per partition are limited: a consumer far behind is shown at least so far behind."""


class LagGauge:
    """Asks again and again over one connection; between a loss and the next success it knows why it knows nothing."""

    def __init__(self, url: str) -> None:
        self.lags: tuple[Lag, ...] = ()
        self.trouble: str | None = None
        self._url = url
        self._pool: Pool | None = None

    async def look(self) -> None:
        """Refresh `lags`, or else set `trouble`."""
        try:
            self._pool = self._pool or await Pool.open(
                self._url, size=1, read_only=True, application_name="headwater supervisor", statement_timeout=5.0
            )
            async with self._pool.acquire() as connection:
                rows = await connection.fetch(_LAGS)
        except (DbError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            self.trouble = str(error)
        else:
            self.lags = tuple(Lag(consumer=row[0], entries=row[1], parked=row[2]) for row in rows)
            self.trouble = None

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.close()
