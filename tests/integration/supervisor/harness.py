"""`headwater up` as a real process, watched through the lines that it writes and the state that it keeps."""

import asyncio
import contextlib
import json
import os
import signal
import sys
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

import msgspec

from headwater.supervisor.state import BackendState
from headwater.testing import eventually

PROJECT = Path(__file__).parents[3]
MAIN = "from headwater.cli import main; main()"
SECONDS = 60.0
FEW = {"HEADWATER_PORT": "0", "HEADWATER_WEB": "1"}


class Up:
    """One `headwater` command that runs until it is told to stop."""

    def __init__(self, process: asyncio.subprocess.Process, home: Path) -> None:
        self.process = process
        self.home = home
        self.lines: list[dict[str, Any]] = []
        """What it reported."""
        self.objects: list[dict[str, Any]] = []
        """What it printed that was JSON and no report."""
        self.output = b""
        self.errors = b""
        self._more = asyncio.Condition()
        self._reading = [asyncio.create_task(self._read()), asyncio.create_task(self._read_errors())]

    @classmethod
    @asynccontextmanager
    async def start(cls, home: Path, *arguments: str, **environment: str) -> AsyncIterator[Self]:
        """Run ``headwater up --log stdout``, or what `arguments` say, with its state in `home`."""
        arguments = arguments or ("up", "--log", "stdout")
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", MAIN, *arguments),
            cwd=environment.pop("cwd", PROJECT),
            env={**clean_environment(), "HEADWATER_HOME": str(home), **FEW, **environment},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        up = cls(process, home)
        try:
            yield up
        finally:
            await up.abandon()

    async def line(self, event: str, count: int = 1, **fields: Any) -> dict[str, Any]:
        """Wait for the `count`-th line of an event; raises if the process ends before."""
        async with asyncio.timeout(SECONDS), self._more:
            while True:
                found = [each for each in self.lines if each["event"] == event and fields.items() <= each.items()]
                if len(found) >= count:
                    return found[count - 1]
                if self.process.returncode is not None:
                    raise AssertionError(f"ended with {self.process.returncode}: {self.errors.decode()} {self.lines}")
                await self._more.wait()

    async def ready(self) -> str:
        """The URL, once everything runs."""
        return str((await self.line("BackendReady"))["url"])

    def state(self) -> BackendState:
        return msgspec.json.decode((self.home / "run" / "state.json").read_bytes(), type=BackendState)

    def pid(self, name: str) -> int:
        pid = next(each.pid for each in self.state().processes if each.name == name)
        assert pid is not None
        return pid

    async def kill(self, name: str) -> None:
        """End one of its processes by force, and wait until it has been started again."""
        restarts = sum(1 for each in self.lines if each["event"] == "ProcessRestarted" and each["name"] == name)
        os.kill(self.pid(name), signal.SIGKILL)
        await self.line("ProcessRestarted", count=restarts + 1, name=name)

    async def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """The exit status."""
        self.process.send_signal(number)
        return await self.ended()

    async def ended(self) -> int:
        status = await asyncio.wait_for(self.process.wait(), SECONDS)
        await asyncio.gather(*self._reading)
        return status

    async def abandon(self) -> None:
        """Leave nothing behind, whatever the test did."""
        killed = self.process.returncode is None
        if killed:
            self.process.kill()
        await asyncio.gather(*self._reading)
        if killed:
            await eventually(lambda: not processes_of(self.home))

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.output += line
            async with self._more:
                self._sort(line)
                self._more.notify_all()
        await self.process.wait()
        async with self._more:
            self._more.notify_all()

    def _sort(self, line: bytes) -> None:
        with contextlib.suppress(ValueError):
            found = json.loads(line)
            if isinstance(found, dict):
                (self.lines if "event" in found else self.objects).append(found)

    async def _read_errors(self) -> None:
        assert self.process.stderr is not None
        self.errors = await self.process.stderr.read()


def clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("HEADWATER_")}


def processes_of(home: Path) -> dict[int, str]:
    """Every living process that works in `home` or has a file of it open, as all that belong to a backend do."""
    return dict(_living(str(home)))


def _living(home: str) -> Iterator[tuple[int, str]]:
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            places = [os.readlink(entry / "cwd"), *(os.readlink(each) for each in (entry / "fd").iterdir())]
            if any(place.startswith(home) for place in places):
                yield int(entry.name), (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip()


def get(url: str) -> tuple[int, Any]:
    with urllib.request.urlopen(url, timeout=SECONDS) as response:
        return response.status, json.load(response)


def post(url: str, body: Any, key: str) -> tuple[int, Any]:
    request = urllib.request.Request(
        url,
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json", "Idempotency-Key": f'"{key}"'},
    )
    with urllib.request.urlopen(request, timeout=SECONDS) as response:
        return response.status, json.load(response)


async def order_something(url: str, key: str) -> dict[str, Any]:
    """Place an order and wait until its stock has been looked at."""
    _, page = await asyncio.to_thread(get, f"{url}/products?limit=1")
    body = {"product": page["items"][0]["id"], "quantity": 1}
    _, order = await asyncio.to_thread(post, f"{url}/orders", body, key)
    return await settled_order(url, order["id"])


async def settled_order(url: str, id: str) -> dict[str, Any]:
    async def look() -> dict[str, Any]:
        _, order = await asyncio.to_thread(get, f"{url}/orders/{id}")
        return dict(order)

    return await eventually(look, lambda order: order["state"] != "placed", seconds=SECONDS)
