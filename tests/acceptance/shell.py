"""A terminal for documents: one bash that remembers, and beside it what runs until it is stopped."""

import os
import select
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

PATIENCE_SECONDS = 60.0
_END = "\x04end\x04"


class Shell:
    """One bash in `folder`; `run` returns what a command wrote, errors included."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self._folder = folder
        self._environ = dict(environ)
        self._bash = subprocess.Popen(
            ["bash", "--norc", "--noprofile"],
            cwd=folder,
            env=self._environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._running: list[Running] = []

    def run(self, typed: str) -> str:
        """What the command wrote until it ended."""
        assert self._bash.stdin is not None
        self._bash.stdin.write(f"{typed}\nprintf '%s' '{_END}'\n".encode())
        self._bash.stdin.flush()
        return self._read_to_end(typed)

    def start(self, typed: str) -> "Running":
        """Let the command run beside, in the folder that the shell is in now, until it is stopped."""
        running = Running(typed, Path(self.run("pwd").strip()), self._environ)
        self._running.append(running)
        return running

    def close(self) -> None:
        """Stop what still runs, the last started first, and end bash."""
        for running in reversed(self._running):
            running.stop()
        os.killpg(self._bash.pid, signal.SIGKILL)
        self._bash.communicate()

    def _read_to_end(self, typed: str) -> str:
        assert self._bash.stdout is not None
        written, deadline = b"", time.monotonic() + PATIENCE_SECONDS
        while not written.endswith(_END.encode()):
            ready, _, _ = select.select([self._bash.stdout], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, f"it takes too long: {typed}\n{written.decode()}"
            chunk = os.read(self._bash.stdout.fileno(), 65536)
            assert chunk, f"bash ended: {typed}\n{written.decode()}"
            written += chunk
        return written.decode().removesuffix(_END)


class Running:
    """A command that runs until it is stopped, as by Ctrl-C."""

    def __init__(self, typed: str, folder: Path, environ: Mapping[str, str]) -> None:
        self.typed = typed
        self._output = b""
        self._process = subprocess.Popen(
            ["bash", "-c", f"exec {typed}"],
            cwd=folder,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        assert self._process.stdout is not None
        os.set_blocking(self._process.stdout.fileno(), False)

    @property
    def output(self) -> str:
        """What it has written so far."""
        assert self._process.stdout is not None
        self._output += self._process.stdout.read() or b""
        return self._output.decode()

    def stop(self) -> str:
        """Interrupt it, wait for its end, by force if need be; returns all that it wrote."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGINT)
        try:
            rest, _ = self._process.communicate(timeout=PATIENCE_SECONDS / 2)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            rest, _ = self._process.communicate()
        self._output += rest or b""
        return self._output.decode()
