"""The lifeline: a socket pair between the supervisor and one child.

The child reports readiness on it once. When the supervisor ends, by whatever signal, the kernel closes its end, and the
child notices. A thread of the child waits for that, so that a child with a blocked event loop ends as well.
"""

import asyncio
import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable
from typing import Self

READY = b"ready\n"
ORPHAN_SECONDS = 5.0
"""The time that a child without a supervisor has for an orderly end."""


class SupervisorEnd:
    """The supervisor's end of one child's lifeline."""

    def __init__(self, own: socket.socket) -> None:
        self._own = own

    @classmethod
    def pair(cls) -> tuple[Self, socket.socket]:
        """The supervisor's end, and the child's, whose descriptor the child inherits."""
        own, childs = socket.socketpair()
        own.setblocking(False)
        return cls(own), childs

    async def wait_ready(self) -> bool:
        """True once the child reports readiness; False if it ended, or closed its end, before."""
        loop = asyncio.get_running_loop()
        said = b""
        with contextlib.suppress(ConnectionError):
            while len(said) < len(READY):
                part = await loop.sock_recv(self._own, len(READY) - len(said))
                if not part:
                    break
                said += part
        return said == READY

    def close(self) -> None:
        self._own.close()


class ChildEnd:
    """The child's end of its lifeline."""

    def __init__(self, descriptor: int) -> None:
        self._socket = socket.socket(fileno=descriptor)
        self._socket.setblocking(True)
        os.set_inheritable(descriptor, False)
        self._said = False

    def say_ready(self) -> None:
        """Report readiness; further calls do nothing."""
        if not self._said:
            self._said = True
            with contextlib.suppress(OSError):
                self._socket.sendall(READY)

    def close(self) -> None:
        self._socket.close()

    def on_cut(
        self,
        stop: Callable[[], object],
        *,
        last_resort: Callable[[], object] = lambda: os._exit(1),
        orphan_seconds: float = ORPHAN_SECONDS,
    ) -> None:
        """When the supervisor has ended, call `stop`, and after `orphan_seconds` `last_resort`, from another thread."""
        threading.Thread(
            target=self._watch, args=(stop, last_resort, orphan_seconds), name="lifeline", daemon=True
        ).start()

    def _watch(self, stop: Callable[[], object], last_resort: Callable[[], object], orphan_seconds: float) -> None:
        with contextlib.suppress(OSError):
            while self._socket.recv(64):
                continue
        self._socket.close()
        stop()
        time.sleep(orphan_seconds)
        last_resort()
