"""A child: one process of the backend. It is spawned, reports readiness, and is stopped step by step."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from headwater.engines.process import ChildProcess, Step
from headwater.supervisor.assignment import Assignment
from headwater.supervisor.collector import Channel
from headwater.supervisor.errors import ChildFailed
from headwater.supervisor.exitstatus import describe_end
from headwater.supervisor.lifeline import SupervisorEnd

READY_SECONDS = 60.0
KILL: Step = (signal.SIGKILL, 5.0)
READ_BYTES = 64 * 1024


class Child:
    """Satisfies `Supervised`: what a `Keeper` starts, waits for and starts again.

    It inherits the `listener` if it serves HTTP, and the descriptor `held`, whose lock lasts as long as any child.
    """

    def __init__(
        self,
        assignment: Assignment,
        *,
        environ: Mapping[str, str],
        channel: Channel,
        listener: socket.socket | None = None,
        held: int | None = None,
        grace_seconds: float = 5.0,
    ) -> None:
        self.name = assignment.name
        self._assignment = assignment
        self._environ = environ
        self._channel = channel
        self._listener = listener if assignment.serves else None
        self._held = held
        self._grace_seconds = grace_seconds
        self._process: ChildProcess | None = None
        self._output: _Output | None = None
        self._lifeline: SupervisorEnd | None = None

    def statistics(self) -> dict[str, Any]:
        living = self._process is not None and self._process.status() is None
        return {"pid": self._process.pid if self._process is not None and living else None}

    async def start(self) -> None:
        """Return when the child reports readiness; raises `ChildFailed` if it ends before, or after a timeout."""
        self._channel.forget_tail()
        self._spawn()
        try:
            async with asyncio.timeout(READY_SECONDS):
                how = await self._wait_ready()
        except TimeoutError:
            how = f"said nothing for {READY_SECONDS:g} seconds"
        if how:
            await self.kill()
            raise ChildFailed(name=self.name, how=how, output=self._channel.tail())

    async def wait(self) -> int:
        """The exit status, once it has one and everything that it wrote has been read."""
        assert self._process is not None
        assert self._output is not None
        status = await self._process.wait()
        self._output.finish()
        return status

    async def stop(self) -> None:
        """Stop it; kill it when that takes longer than its grace period. Idempotent."""
        await self._end((signal.SIGTERM, self._grace_seconds), KILL)

    async def kill(self) -> None:
        """Kill it."""
        await self._end(KILL)

    async def _wait_ready(self) -> str:
        """How it ended instead of becoming ready; empty when it is ready."""
        assert self._lifeline is not None
        return "" if await self._lifeline.wait_ready() else describe_end(await self.wait())

    async def _end(self, *steps: Step) -> None:
        if self._process is not None:
            await self._process.end(steps)
        if self._output is not None:
            self._output.finish()
        self._cut_lifeline()

    def _spawn(self) -> None:
        # Kept open while the child runs: when it is closed, the child knows that the supervisor has ended.
        self._cut_lifeline()
        self._lifeline, childs_end = SupervisorEnd.pair()
        reader, writer = os.pipe()
        try:
            self._process = ChildProcess(self._popen(childs_end.fileno(), writer))
        except OSError:
            os.close(reader)
            raise
        finally:
            os.close(writer)
            childs_end.close()
        self._output = _Output(reader, self._channel.write)

    def _popen(self, lifeline: int, output: int) -> "subprocess.Popen[bytes]":
        listener = -1 if self._listener is None else self._listener.fileno()
        order = msgspec.structs.replace(self._assignment, lifeline=lifeline, listener=listener)
        inherited = [each for each in (lifeline, listener, self._held) if each is not None and each >= 0]
        return subprocess.Popen(
            [sys.executable, "-m", "headwater.supervisor.process", msgspec.json.encode(order).decode()],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **self._environ},
            pass_fds=inherited,
            start_new_session=True,  # the supervisor handles the terminal's Ctrl-C, and stops the children in order
        )

    def _cut_lifeline(self) -> None:
        if self._lifeline is not None:
            self._lifeline.close()
            self._lifeline = None


class _Output:
    """Passes on what arrives in a pipe, until its end."""

    def __init__(self, descriptor: int, write: Callable[[bytes], None]) -> None:
        os.set_blocking(descriptor, False)
        self._descriptor: int | None = descriptor
        self._write = write
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(descriptor, self._read)

    def finish(self) -> None:
        """Read only what is there now: a grandchild may keep the pipe open."""
        while self._descriptor is not None and self._read():
            continue
        self._close()

    def _read(self) -> bool:
        assert self._descriptor is not None
        with contextlib.suppress(BlockingIOError):
            if chunk := os.read(self._descriptor, READ_BYTES):
                self._write(chunk)
                return True
            self._close()
        return False

    def _close(self) -> None:
        if self._descriptor is not None:
            self._loop.remove_reader(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = None
