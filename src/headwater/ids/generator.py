"""The generator: the ids of one worker, strictly increasing even if its clock goes back. No I/O; the time is passed in.

Within a millisecond the sequence counts up; when it is exhausted, the caller waits for the next millisecond. If the
clock goes back a little, the generator stays in the latest millisecond. If it goes back by more than `PATIENCE_MS`,
`ClockWentBack` is raised.
"""

from typing import Final

from headwater.ids.errors import ClockWentBack
from headwater.ids.layout import SEQUENCES, WORKERS, join

PATIENCE_MS: Final = 1000


class SequenceExhausted(Exception):
    """Every id of the current millisecond has been made; the next one is available in `milliseconds`."""

    def __init__(self, milliseconds: int) -> None:
        super().__init__(milliseconds)
        self.milliseconds = milliseconds


class Generator:
    """Makes the ids of `worker`. `start` is the first millisecond that it may use."""

    __slots__ = ("_sequence", "_time", "worker")

    def __init__(self, worker: int, start: int = 0) -> None:
        assert worker in range(WORKERS), f"worker number {worker} is out of range"
        self.worker = worker
        self._time = start
        self._sequence = -1

    @property
    def last(self) -> int:
        """The millisecond of the latest id."""
        return self._time

    def take(self, now: int) -> int:
        """The next id, `now` being milliseconds since the epoch; raises `SequenceExhausted` or `ClockWentBack`."""
        if now > self._time:
            self._time, self._sequence = now, 0
        elif self._time - now > PATIENCE_MS:
            raise ClockWentBack(milliseconds=self._time - now)
        elif self._sequence + 1 < SEQUENCES:
            self._sequence += 1
        else:
            raise SequenceExhausted(self._time + 1 - now)
        return join(self._time, self.worker, self._sequence)
