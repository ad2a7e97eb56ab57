"""A victim: a process that halts at named points of its work until it may go on, and is killed at one of them."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]


class Victim:
    """Led from point to point. It says on a line of its own where it stands, and goes on when it is sent one."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def run_to(self, point: str, times: int = 1) -> str:
        """Let it go on until it reaches the point for the so-manieth time; returns what it says there."""
        while True:
            said = await self._read()
            times -= said.startswith(point)
            if times == 0:
                return said
            self.go_on()

    def go_on(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(b"\n")

    async def kill(self) -> None:
        if self._process.returncode is None:
            os.kill(self._process.pid, signal.SIGKILL)
        await self._process.wait()

    async def _read(self) -> str:
        assert self._process.stdout is not None
        async with asyncio.timeout(30):
            line = (await self._process.stdout.readline()).decode().strip()
        assert line, "the victim ended before it was killed"
        return line


@asynccontextmanager
async def started(module: str, *arguments: str) -> AsyncIterator[Victim]:
    """A process that runs this module; it is killed at the end, if it was not before."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, *arguments),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    victim = Victim(process)
    try:
        yield victim
    finally:
        await victim.kill()
