"""The engines of one backend: opened from the settings, started and stopped together."""

import asyncio
from collections.abc import Iterator

import msgspec

from headwater.engines import configuration
from headwater.engines.engine import Engine
from headwater.engines.postgres import EmbeddedPostgres, ExternalPostgres, running_postgres_url
from headwater.engines.valkey import EmbeddedValkey, ExternalValkey, running_valkey_url
from headwater.settings import Settings


class Engines(msgspec.Struct, frozen=True):
    """Iterate over it for each engine."""

    postgres: Engine
    valkey: Engine

    def __iter__(self) -> Iterator[Engine]:
        yield self.postgres
        yield self.valkey

    async def start(self) -> None:
        """Start all; if one fails, stop the others and raise its `EngineError`."""
        try:
            outcomes = await asyncio.gather(*(engine.start() for engine in self), return_exceptions=True)
            for outcome in outcomes:
                if isinstance(outcome, BaseException):
                    raise outcome
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop all, then raise the first failure."""
        outcomes = await asyncio.gather(*(engine.stop() for engine in self), return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome


def open_engines(settings: Settings) -> Engines:
    """External engines where a URL is set, else embedded ones below ``settings.home``; none is started yet."""
    return Engines(
        postgres=ExternalPostgres(settings.postgres_url)
        if settings.postgres_url
        else EmbeddedPostgres(settings.home / "postgres", settings=configuration.of_settings(settings)),
        valkey=ExternalValkey(settings.valkey_url) if settings.valkey_url else EmbeddedValkey(settings.home / "valkey"),
    )


def postgres_url(settings: Settings) -> str:
    """The URL of PostgreSQL: the external one, or the embedded one that another process runs.

    Raises `EngineNotRunning` if that does not run.
    """
    return settings.postgres_url or running_postgres_url(settings.home / "postgres")


def valkey_url(settings: Settings) -> str:
    """As `postgres_url`, for Valkey."""
    return settings.valkey_url or running_valkey_url(settings.home / "valkey")
