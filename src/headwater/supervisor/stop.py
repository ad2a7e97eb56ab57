"""Being asked to stop: the first signal asks for order, the second for haste."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stop:
    """`asked` is set by the first request, `hurried` by the second."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.hurried = asyncio.Event()

    def ask(self) -> None:
        (self.hurried if self.asked.is_set() else self.asked).set()


@contextmanager
def on_signals(stop: Stop) -> Iterator[None]:
    """While inside, Ctrl-C, SIGTERM and the terminal's end ask `stop`."""
    loop = asyncio.get_running_loop()
    heeded = [number for number in SIGNALS if not _is_shut_out(number)]
    for number in heeded:
        loop.add_signal_handler(number, stop.ask)
    try:
        yield
    finally:
        for number in heeded:
            loop.remove_signal_handler(number)


def _is_shut_out(number: signal.Signals) -> bool:
    """nohup(1) has its programs ignore the terminal's end, and means it."""
    return number is signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN
