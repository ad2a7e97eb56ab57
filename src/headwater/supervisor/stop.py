"""Stop requests: the first signal asks for an orderly stop, the second for an immediate one."""

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
    """Within the context, Ctrl-C, SIGTERM and the end of the terminal ask `stop`."""
    loop = asyncio.get_running_loop()
    handled = [number for number in SIGNALS if not _is_ignored(number)]
    for number in handled:
        loop.add_signal_handler(number, stop.ask)
    try:
        yield
    finally:
        for number in handled:
            loop.remove_signal_handler(number)


def _is_ignored(number: signal.Signals) -> bool:
    """nohup(1) lets its programs ignore SIGHUP; that must stay so."""
    return number is signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN
