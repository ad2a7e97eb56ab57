"""The generator: the ids of one worker, strictly increasing whatever its clock does. No I/O; the time is passed in.

Within a millisecond the sequence counts up; when it is used up, the next millisecond is waited for. A clock that goes
back a little is not followed: the sequence of the latest millisecond goes on, and then its end is waited for. A clock
that goes back by more than `PATIENCE_MS` is refused.
"""

from typing import Final

from headwater.ids.errors import ClockWentBack
from headwater.ids.layout import SEQUENCES, WORKERS, join

PATIENCE_MS: Final = 1000


class NotYet(Exception):
    """There is no id left at this moment; `milliseconds` until there is one again."""

    def __init__(self, milliseconds: int) -> None:
        super().__init__(milliseconds)
        self.milliseconds = milliseconds


class Generator:
    """Gives out the ids of `worker`. `start` is the first millisecond that it may use."""

    __slots__ = ("_sequence", "_time", "worker")

    def __init__(self, worker: int, start: int = 0) -> None:
        assert worker in range(WORKERS), f"no worker has the number {worker}"
        self.worker = worker
        self._time = start
        self._sequence = -1

    @property
    def last(self) -> int:
        """The millisecond of the latest id."""
        return self._time

    def take(self, now: int) -> int:
        """The next id, `now` being milliseconds since the epoch; raises `NotYet` or `ClockWentBack`."""
        if now > self._time:
            self._time, self._sequence = now, 0
        elif self._time - now > PATIENCE_MS:
            raise ClockWentBack(milliseconds=self._time - now)
        elif self._sequence + 1 < SEQUENCES:
            self._sequence += 1
        else:
            raise NotYet(self._time + 1 - now)
        return join(self._time, self.worker, self._sequence)
