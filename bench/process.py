"""Child processes of a measurement: what they say, what they cost, and their end.

Costs are read from /proc and from wait4: CPU of all threads, and the peak of resident memory.
"""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_END_SECONDS = 20.0


class ChildFailed(Exception):
    """A child of a measurement ended, or said nothing, where it should have gone on."""


class Ran(msgspec.Struct, frozen=True):
    """What a command cost from its start to its end."""

    seconds: float
    cpu_seconds: float
    output: bytes


async def run_command(command: Sequence[str | Path], environ: Mapping[str, str] | None = None) -> Ran:
    """Run a command to its end; raises `ChildFailed` with what it wrote if that is not a good one."""
    return await asyncio.to_thread(_run_command, command, {**os.environ, **(environ or {})})


def _run_command(command: Sequence[str | Path], environ: Mapping[str, str]) -> Ran:
    begun = time.perf_counter()
    process = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert process.stdout is not None
    with process.stdout:
        output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise ChildFailed(f"{Path(command[0]).name} ended with {process.returncode}: {output.decode(errors='replace')}")
    return Ran(seconds, usage.ru_utime + usage.ru_stime, output)


class PythonChild:
    """``python -m module arguments…``; ``async with PythonChild(…) as child``. It speaks in lines of JSON."""

    def __init__(
        self, module: str, *arguments: str, inherited: Sequence[int] = (), environ: Mapping[str, str] = os.environ
    ) -> None:
        self._module = module
        self._arguments = arguments
        self._inherited = inherited
        self._environ = environ
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> "PythonChild":
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", self._module, *self._arguments,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=self._inherited, env=dict(self._environ),
        )  # fmt: skip
        return self

    async def __aexit__(self, *failure: object) -> None:
        """SIGTERM and then, when that takes too long, SIGKILL."""
        process = self._running()
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(_END_SECONDS):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()

    @property
    def pid(self) -> int:
        return self._running().pid

    async def said(self, kind: type[Any] = dict, seconds: float = 300.0) -> Any:
        """The next line that it says, decoded; raises `ChildFailed` if none comes."""
        stdout = self._running().stdout
        assert stdout is not None
        try:
            async with asyncio.timeout(seconds):
                line = await stdout.readline()
        except TimeoutError:
            raise ChildFailed(f"{self._module} said nothing for {seconds:g} seconds") from None
        if not line:
            raise ChildFailed(f"{self._module} ended with {await self._running().wait()}; see its output above")
        return msgspec.json.decode(line, type=kind)

    def tell(self, line: str = "") -> None:
        stdin = self._running().stdin
        assert stdin is not None
        stdin.write(line.encode() + b"\n")

    def _running(self) -> asyncio.subprocess.Process:
        assert self._process is not None
        return self._process


def cpu_seconds(pid: int) -> float:
    """User and system time of all threads of a process so far (proc(5), /proc/pid/stat)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_SECOND


def peak_memory_mb(pid: int | str = "self") -> float:
    """The most memory that a process has had resident since it began its program, in megabytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise ProcessLookupError(pid)


def say(thing: Any) -> None:
    """What a child says to `PythonChild.said`."""
    sys.stdout.buffer.write(msgspec.json.encode(thing) + b"\n")
    sys.stdout.buffer.flush()
