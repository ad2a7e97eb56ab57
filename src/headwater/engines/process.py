"""A server process: in a session of its own, ended with the process that started it, stopped in steps."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from headwater.engines import launch as launcher
from headwater.engines.account import Account

Step = tuple[signal.Signals, float]
"""A signal, and the seconds to wait for the process to end before the next step."""

ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
POLL_SECONDS = 0.02

STOP_PROGRAM: tuple[Step, ...] = ((signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0))
"""How a program without connections of its own is stopped."""


class ChildProcess:
    """A launched child process; usable from any event loop, not only the one in which it was started."""

    def __init__(self, child: "subprocess.Popen[bytes]") -> None:
        self._child = child
        self.pid = child.pid

    def status(self) -> int | None:
        """The exit status, negative for a signal's number; None while it runs."""
        return self._child.poll()

    async def wait(self) -> int:
        """The exit status, once there is one."""
        await wait_until(self._ended, self.pid)
        return self._child.wait()

    async def end(self, steps: Sequence[Step]) -> bool:
        """Take `steps` until the process has ended; returns whether more than one was needed. The last is SIGKILL."""
        forced = False
        for taken, (number, seconds) in enumerate(steps):
            if self._ended():
                break
            forced = taken > 0
            self._child.send_signal(number)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.wait(), seconds)
        return forced

    def _ended(self) -> bool:
        return self._child.poll() is not None


def launch(
    command: Sequence[str | Path],
    *,
    account: Account | None,
    output: int,
    death_signal: signal.Signals,
    paths: Sequence[Path],
) -> ChildProcess:
    """Start `command` as `account`, with its output to the file descriptor `output`.

    `paths` are those that the program must be able to read besides itself. The kernel sends `death_signal` when the
    *thread* that calls this ends, so call it in a thread that lives as long as the server should.
    """
    order = {
        "command": [str(part) for part in command],
        "environment": ENVIRONMENT,
        "account": None if account is None else {"name": account.name, "uid": account.uid, "gid": account.gid},
        "parent": os.getpid(),
        "death_signal": int(death_signal),
        "paths": [str(path) for path in paths],
    }
    child = subprocess.Popen(
        [sys.executable, "-I", "-S", launcher.__file__, json.dumps(order)],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        cwd="/",
        start_new_session=True,
    )
    return ChildProcess(child)


async def wait_until(ended: Callable[[], bool], pid: int) -> None:
    """Return once `ended()` is true for the process `pid`; woken by the kernel where possible (pidfd_open(2))."""
    while not ended():
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        except OSError:  # a kernel before 5.3, or a sandbox that forbids the call
            await asyncio.sleep(POLL_SECONDS)
            continue
        try:
            return await _wait_readable(descriptor)
        finally:
            os.close(descriptor)


async def _wait_readable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(descriptor, readable.set)
    try:
        await readable.wait()
    finally:
        loop.remove_reader(descriptor)


class Stopwatch:
    """Seconds since its creation."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def seconds(self) -> float:
        return round(time.monotonic() - self._began, 3)
