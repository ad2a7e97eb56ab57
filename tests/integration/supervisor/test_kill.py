"""Whatever is killed comes back, and what was promised holds."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from headwater.testing import eventually
from tests.integration.supervisor.harness import Up, get, order_something, processes_of


async def test_what_is_killed_is_started_again_and_orders_go_through(home: Path) -> None:
    async with Up.start(home) as up:
        url = await up.ready()
        for name in ("web 1", "consumer 1", "relay", "valkey", "postgres"):
            await up.kill(name)
            order = await order_something(url, f"after {name}")
            assert order["state"] == "reserved", name
        restarts = {each.name: each.restarts for each in up.state().processes}
        assert restarts == {"web 1": 1, "consumer 1": 1, "relay": 1, "valkey": 1, "postgres": 1}
        assert await up.stop() == 0
    assert processes_of(home) == {}


async def test_a_worker_that_dies_loses_no_connection_that_waits(home: Path) -> None:
    """With its only worker stopped, requests wait in the socket's queue; they are answered by the next worker."""
    async with Up.start(home) as up:
        url = await up.ready()
        worker = up.pid("web 1")
        os.kill(worker, signal.SIGSTOP)
        waiting = [asyncio.create_task(asyncio.to_thread(get, f"{url}/products?limit=1")) for _ in range(5)]
        await eventually(lambda: _waiting_connections(url) == len(waiting))
        os.kill(worker, signal.SIGKILL)
        assert [status for status, _ in await asyncio.gather(*waiting)] == [200] * 5


async def test_nothing_outlives_a_supervisor_that_is_killed(home: Path) -> None:
    async with Up.start(home) as up:
        url = await up.ready()
        port = url.rpartition(":")[2]
        order = await order_something(url, "before")
        up.process.kill()
        await up.ended()
        async with Up.start(home, HEADWATER_PORT=port, HEADWATER_METRICS_PORT="0") as again:
            assert await again.ready() == url
            assert (await asyncio.to_thread(get, f"{url}/orders/{order['id']}"))[1] == order
            assert await again.stop() == 0
    assert processes_of(home) == {}


async def test_a_child_that_cannot_start_any_more_is_tried_again_until_it_can(home: Path, tmp_path: Path) -> None:
    code = tmp_path / "fickle.py"
    sound = "from headwater import App, Backend\nbackend = Backend(App('fickle'))\n"
    code.write_text(sound)
    async with Up.start(home, "up", "--log", "stdout", "--app", "fickle:backend", cwd=str(tmp_path)) as up:
        await up.ready()
        code.write_text("raise RuntimeError('broken now')\n")
        os.kill(up.pid("web 1"), signal.SIGKILL)
        await up.line("ProcessDied", count=3, name="web 1")
        causes = [each.cause or "" for each in up.state().processes if each.name == "web 1"]
        assert "broken now" in causes[0]
        code.write_text(sound)
        await up.line("ProcessRestarted", name="web 1")
        assert await up.stop() == 0


@pytest.mark.parametrize("name", ["postgres", "relay"])
async def test_a_stop_is_orderly_even_while_something_is_dead(home: Path, name: str) -> None:
    async with Up.start(home) as up:
        await up.ready()
        os.kill(up.pid(name), signal.SIGKILL)
        await up.line("ProcessDied", name=name)
        assert await up.stop() == 0
    assert processes_of(home) == {}


def _waiting_connections(url: str) -> int:
    """Connections in the listening socket's queue (proc(5), net/tcp: rx_queue of a listener)."""
    local = f"0100007F:{int(url.rpartition(':')[2]):04X}"
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, address, _, state, queues, *_ = line.split()
        if address == local and state == "0A":
            return int(queues.partition(":")[2], 16)
    return 0
