"""Limits in Valkey: one count over all processes, by one script and the server's own clock.

Of what is kept there everything may vanish at any time: then a client is forgiven what it has used, and no more.
All keys of one request are in one script, so it is one Valkey; a cluster would need them in one slot.
"""

from collections.abc import Sequence
from importlib.resources import files
from typing import Any, Final

from valkey.asyncio import BlockingConnectionPool, Valkey

from headwater.http.limit.store import Charge, Verdict

PREFIX: Final = "headwater:limit:"
CONNECTIONS: Final = 32

_SCRIPT: Final = files(__package__).joinpath("take.lua").read_text(encoding="utf-8")


class ValkeyStore:
    """`url` as in HEADWATER_VALKEY_URL: ``valkey://host:6379``, ``unix:///path``. Raises what the client raises."""

    def __init__(self, url: str, *, seconds: float) -> None:
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=CONNECTIONS,
            timeout=seconds,
            socket_timeout=seconds,
            socket_connect_timeout=seconds,
            protocol=3,
        )
        self._client = Valkey.from_pool(pool)
        self._take = self._client.register_script(_SCRIPT)

    async def take(self, charges: Sequence[Charge]) -> Verdict:
        """Charge all or nothing, in one step of the server."""
        arguments = [n for each in charges for n in (each.pace.interval, each.pace.depth, each.cost)]
        allowed, *debts = await self._take(keys=[PREFIX + each.key for each in charges], args=arguments)
        return Verdict(allowed == 1, [int(debt) for debt in debts])

    async def close(self) -> None:
        await self._client.aclose()

    def statistics(self) -> dict[str, Any]:
        """Nothing that is counted on this side."""
        return {"prefix": PREFIX}
