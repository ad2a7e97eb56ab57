"""The commands that look at a running backend, and help it."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from headwater.testing import eventually
from tests.integration.supervisor.harness import MAIN, PROJECT, Up, clean_environment, order_something, post

CODE = """
from headwater import App, Backend, Event, Tx

app = App("letters")


class Sent(Event, key="to"):
    to: str
    text: str


class Letter(Event, key="to"):
    to: str
    text: str


@app.command("POST /letters")
async def send(tx: Tx, letter: Letter) -> Letter:
    tx.emit(Sent(to=letter.to, text=letter.text))
    return letter


@app.on(Sent, retries=0)
async def deliver(tx: Tx, event: Sent) -> None:
    if event.text == "unreadable":
        raise ValueError("nobody can read this")


backend = Backend(app)
"""


class Commands:
    """Runs `headwater …` beside a backend."""

    def __init__(self, home: Path, folder: Path) -> None:
        self._home = home
        self._folder = folder

    async def run(self, *arguments: str, status: int = 0) -> str:
        async with Up.start(self._home, *arguments, cwd=str(self._folder), COLUMNS="200") as command:
            assert await command.ended() == status, (command.output, command.errors)
            return (command.output if status == 0 else command.errors).decode()

    async def objects(self, *arguments: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (await self.run(*arguments)).splitlines()]


async def test_a_person_can_read_the_log_and_help_a_parked_key(home: Path, tmp_path: Path) -> None:
    (tmp_path / "letters.py").write_text(CODE)
    (tmp_path / "pyproject.toml").write_text('[tool.headwater]\nbackend = "letters:backend"\n')
    commands = Commands(home, tmp_path)
    async with Up.start(home, "up", "--log", "stdout", cwd=str(tmp_path)) as up:
        url = await up.ready()
        for number, (to, text) in enumerate(
            [("ann", "hello"), ("bob", "unreadable"), ("bob", "again"), ("ann", "bye")]
        ):
            await asyncio.to_thread(post, f"{url}/letters", {"to": to, "text": text}, f"key-{number}")

        entries = await commands.objects("log", "tail")
        assert [(each["key"], each["data"]["text"]) for each in entries] == [
            ("ann", "hello"),
            ("bob", "unreadable"),
            ("bob", "again"),
            ("ann", "bye"),
        ]
        behind = await commands.objects("log", "tail", "--from", entries[1]["position"], "--key", "bob")
        assert [each["data"]["text"] for each in behind] == ["again"]

        await up.line("KeyParked")
        [parked] = await commands.objects("log", "parked", "--json")
        assert (parked["consumer"], parked["key"], parked["position"]) == (
            "letters.deliver",
            "bob",
            entries[1]["position"],
        )
        assert "nobody can read this" in await commands.run("log", "parked", "letters.deliver")
        assert "retries the key 'bob' now" in await commands.run("log", "retry", "letters.deliver", "bob")
        await up.line("KeyParked", count=2)
        assert "1 of the key's events dropped" in await commands.run("log", "drop", "letters.deliver", "bob")
        await up.line("KeyRecovered")
        assert await commands.run("log", "parked") == "No key is set aside.\n"
        assert "has not set aside" in await commands.run("log", "retry", "letters.deliver", "bob", status=1)

        assert "letters.again" in await commands.run("log", "replay", "letters.deliver", "--as", "letters.again")
        await up.line("KeyParked", consumer="letters.again")
        assert "a second time" in await commands.run("log", "forget", "letters.deliver", status=1)
        assert "letters.again is removed" in await commands.run("log", "forget", "letters.again")
        assert "letters.deliver" in await commands.run("log", "forget", "nobody", status=1)

        assert "8 partitions" in await commands.run("log", "repartition", "8")
        await asyncio.to_thread(post, f"{url}/letters", {"to": "eve", "text": "later"}, "key-later")
        await up.line("LayoutSwitched")
        status = json.loads(await commands.run("log", "status", "--json"))
        assert status["log"]["head"]["partitions"] == 8
        assert [each["consumer"] for each in status["consumers"]] == ["letters.deliver"]
        assert "letters.deliver" in await commands.run("log", "status")

        assert await commands.run("migrate", "--check") == "Nothing is missing.\n"
        found = await commands.run("doctor")
        assert "FAILED" not in found
        assert "ok      schema headwater: up to date" in found
        assert "--open-epoch" in await commands.run("log", "reconcile")
        assert await up.stop() == 0


async def test_the_log_can_be_followed(home: Path) -> None:
    async with Up.start(home) as up:
        url = await up.ready()
        await order_something(url, "before")
        [before] = await Commands(home, PROJECT).objects("log", "tail")
        async with Up.start(home, "log", "tail", "--follow", "--from", before["position"]) as tail:
            order = await order_something(url, "after")
            await eventually(lambda: bool(tail.objects))
            assert tail.objects[0]["data"]["order"] == order["id"]
            await tail.stop()
            assert tail.errors == b""
        assert await up.stop() == 0


async def test_a_reader_that_has_seen_enough_ends_a_command_quietly(home: Path) -> None:
    async with Up.start(home) as up:
        url = await up.ready()
        await order_something(url, "one")
        reader, writer = os.pipe()
        os.close(reader)
        tail = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", MAIN, "log", "tail"),
            env={**clean_environment(), "HEADWATER_HOME": str(home)},
            stdout=writer,
            stderr=asyncio.subprocess.PIPE,
        )
        os.close(writer)
        _, errors = await tail.communicate()
        assert (errors, tail.returncode) == (b"", 0)
        assert await up.stop() == 0


async def test_migrations_can_be_applied_by_hand(home: Path, tmp_path: Path) -> None:
    async with Up.start(home) as up:
        await up.ready()
        (tmp_path / "later" / "migrations").mkdir(parents=True)
        (tmp_path / "later" / "__init__.py").write_text(
            "from headwater import App, Backend\nbackend = Backend(App('later'))\n"
        )
        (tmp_path / "later" / "migrations" / "0001_one.expand.sql").write_text("create table later.one ();\n")
        (tmp_path / "later" / "functions").mkdir()
        total = tmp_path / "later" / "functions" / "total.sql"
        total.write_text("create or replace function total() returns int language sql as 'select 1';\n")
        commands = Commands(home, tmp_path)
        arguments = ("migrate", "--app", "later:backend")
        assert await commands.run(*arguments, "--check", status=1) == ""
        applied = await commands.run(*arguments, "--phase", "expand")
        assert "applied  later 0001_one.expand.sql\napplied  later total.sql, version 1" in applied
        assert await commands.run(*arguments) == "Nothing was missing.\n"
        total.write_text(f"-- headwater: version 2\n{total.read_text()}")
        assert "applied  later total.sql, version 2" in await commands.run(*arguments)
        total.write_text(total.read_text().partition("\n")[2])
        left = "newer    later total.sql, version 2: a newer release has been here, and its function stays\n"
        assert await commands.run(*arguments, "--check") == f"{left}Nothing is missing.\n"
        await up.stop()
