"""`headwater up` from its start to its end, with real engines and processes."""

import asyncio
import json
import os
import signal
import socket
from pathlib import Path

import pytest

from headwater.supervisor.keeper import Phase
from headwater.testing import eventually
from tests.integration.supervisor.harness import Up, get, order_something, processes_of


async def test_a_second_start_finds_its_data_again_and_a_stop_leaves_nothing_running(home: Path) -> None:
    async with Up.start(home) as up:
        url = await up.ready()
        order = await order_something(url, "first")
        assert order["state"] == "reserved"
        assert await up.stop(signal.SIGINT) == 0
    assert processes_of(home) == {}
    async with Up.start(home) as up:
        url = await up.ready()
        assert (await asyncio.to_thread(get, f"{url}/orders/{order['id']}"))[1] == order
        assert not [line for line in up.lines if line["event"] in ("Planted", "MigrationApplied")]
        assert await up.stop(signal.SIGTERM) == 0


async def test_every_process_shows_its_part(home: Path) -> None:
    async with Up.start(home, HEADWATER_WEB="2", HEADWATER_CONSUMERS="2") as up:
        await up.ready()
        titles = processes_of(home).values()
        ours = sorted(title for title in titles if title.startswith("headwater "))
        assert ours == [
            "headwater consumer 1",
            "headwater consumer 2",
            "headwater relay",
            "headwater supervisor",
            "headwater web 1",
            "headwater web 2",
        ]
        assert [each.name for each in up.state().processes if each.phase is Phase.RUNNING] == [
            "postgres",
            "valkey",
            "web 1",
            "web 2",
            "consumer 1",
            "consumer 2",
            "relay",
        ]


async def test_one_screen_is_printed_and_the_logs_are_in_files(home: Path) -> None:
    async with Up.start(home, "up") as up:
        log = home / "log" / "supervisor.log"
        await eventually(lambda: log.exists() and b"BackendReady" in log.read_bytes())
        assert await up.stop() == 0
        screen = up.output.decode()
    assert "shop is ready after" in screen
    assert "curl -s http://127.0.0.1:" in screen
    assert "Ctrl-C" in screen
    assert up.errors == b""
    assert {path.name for path in (home / "log").iterdir()} >= {"supervisor.log", "relay.log", "consumer-1.log"}


async def test_two_run_side_by_side(home: Path) -> None:
    other = home.with_name("other")
    async with Up.start(home) as first, Up.start(other) as second:
        urls = [await first.ready(), await second.ready()]
        orders = [await order_something(url, "same key") for url in urls]
        assert orders[0]["id"] != orders[1]["id"]
        assert [await first.stop(), await second.stop()] == [0, 0]


async def test_a_second_one_in_the_same_folder_is_refused_and_the_first_goes_on(home: Path) -> None:
    async with Up.start(home) as first:
        url = await first.ready()
        async with Up.start(home) as second:
            assert await second.ended() == 1
            assert f"process {first.process.pid}" in second.errors.decode()
        assert (await asyncio.to_thread(get, f"{url}/readyz"))[0] == 200


async def test_a_second_ctrl_c_does_not_wait_for_what_hangs(home: Path) -> None:
    async with Up.start(home, HEADWATER_DRAIN_SECONDS="600") as up:
        await up.ready()
        hung = up.pid("web 1")
        os.kill(hung, signal.SIGSTOP)
        up.process.send_signal(signal.SIGINT)
        await up.line("BackendStopping")
        assert await up.stop(signal.SIGINT) == 0
    assert processes_of(home) == {}


async def test_a_stop_during_the_start_ends_what_was_started(home: Path) -> None:
    async with Up.start(home) as up:
        await up.line("EngineStarted")
        assert await up.stop() == 0
    assert processes_of(home) == {}


async def test_status_tells_other_terminals(home: Path) -> None:
    async with Up.start(home) as up:
        url = await up.ready()
        async with Up.start(home, "status", "--json") as status:
            assert await status.ended() == 0
            said = json.loads(status.output)
        assert (said["url"], said["ready"], said["backend"]) == (url, True, "apps.shop:backend")
        async with Up.start(home, "status") as status:
            assert await status.ended() == 0
            assert "consumer 1" in status.output.decode()
        await up.stop()
    async with Up.start(home, "status") as status:
        assert await status.ended() == 1
        assert "No backend runs in" in status.errors.decode()


@pytest.mark.parametrize(
    ("environment", "arguments", "said"),
    [
        ({"HEADWATER_WEB": "none"}, [], "HEADWATER_WEB='none' is not a valid setting"),
        ({}, ["--app", "apps.shop:missing"], "the module apps.shop has no 'missing'"),
        ({}, ["--app", "nowhere:backend"], "there is no module 'nowhere'"),
        ({"HEADWATER_POSTGRES_URL": "postgresql://u:sesame@127.0.0.1:1/d"}, [], "PostgreSQL at 127.0.0.1:1"),
    ],
)
async def test_what_cannot_be_started_says_why_in_one_line(
    home: Path, environment: dict[str, str], arguments: list[str], said: str
) -> None:
    async with Up.start(home, "up", *arguments, **environment) as up:
        assert await up.ended() == 1
    message = up.errors.decode().strip()
    assert said in message
    assert "\n" not in message
    assert "sesame" not in message
    assert processes_of(home) == {}


async def test_a_port_in_use_is_named_and_nothing_is_left(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with Up.start(home, "up", HEADWATER_PORT=str(port)) as up:
            assert await up.ended() == 1
    assert f"Port {port} on 127.0.0.1 is in use" in up.errors.decode()
    assert processes_of(home) == {}


async def test_a_migration_that_fails_is_placed_and_nothing_is_left(home: Path, tmp_path: Path) -> None:
    package = tmp_path / "broken"
    (package / "migrations").mkdir(parents=True)
    (package / "__init__.py").write_text("from headwater import App, Backend\nbackend = Backend(App('broken'))\n")
    (package / "migrations" / "0001_one.expand.sql").write_text("create table broken.one ();\n\ncreate tabel two ();\n")
    async with Up.start(home, "up", "--app", "broken:backend", cwd=str(tmp_path)) as up:
        assert await up.ended() == 1
    assert "0001_one.expand.sql, line 3: syntax error" in up.errors.decode()
    assert processes_of(home) == {}


async def test_a_consumer_that_cannot_run_keeps_the_backend_from_starting(home: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text(
        "from headwater import App, Backend, Event\n"
        "app = App('broken')\n"
        "class Happened(Event):\n"
        "    pass\n"
        "@app.on(Happened)\n"
        "async def follow(whatever: complex) -> None: ...\n"
        "backend = Backend(app)\n"
    )
    async with Up.start(home, "up", "--app", "broken:backend", cwd=str(tmp_path)) as up:
        assert await up.ended() == 1
    assert "broken.follow" in up.errors.decode()
    assert processes_of(home) == {}
