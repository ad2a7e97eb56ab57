"""A slot that is gone: loud, not ready for commands, and a person's two commands away from going on (guarantee G10)."""

import asyncio
import contextlib
import urllib.error
from pathlib import Path

import asyncpg

from headwater.testing import eventually
from tests.integration.supervisor.harness import SECONDS, Up, get, order_something


async def test_a_lost_slot_is_named_and_a_person_can_go_on(home: Path) -> None:
    async with Up.start(home) as up:
        url = await up.ready()
        await order_something(url, "before")
        await drop_slot(home)
        await eventually(lambda: status_of(f"{url}/readyz") == 503)
        await eventually(lambda: "log reconcile" in str(up.lines))
        assert (await asyncio.to_thread(get, f"{url}/products?limit=1"))[0] == 200
        async with Up.start(home, "log", "reconcile", "--open-epoch") as reconcile:
            assert await reconcile.ended() == 0
        assert b"A new epoch is open" in reconcile.output
        await eventually(lambda: status_of(f"{url}/readyz") == 200)
        assert (await order_something(url, "after"))["state"] == "reserved"
        assert await up.stop() == 0


async def drop_slot(home: Path) -> None:
    """Take the slot away from the relay, which comes back to it at once."""
    connection = await asyncpg.connect(f"postgresql://headwater@/headwater?host={home / 'postgres' / 'run'}")
    try:
        async with asyncio.timeout(SECONDS):
            while await connection.fetchval("select exists (select from pg_replication_slots)"):
                await connection.execute("select pg_terminate_backend(active_pid) from pg_replication_slots")
                with contextlib.suppress(asyncpg.ObjectInUseError):
                    await connection.execute("select pg_drop_replication_slot('headwater')")
    finally:
        await connection.close()


def status_of(url: str) -> int:
    try:
        return get(url)[0]
    except urllib.error.HTTPError as error:
        return error.code
