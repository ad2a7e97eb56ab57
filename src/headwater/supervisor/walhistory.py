"""The history of WAL positions, which turns a position in bytes into an age in seconds.

PostgreSQL does not record when it wrote an LSN. Repeated measurements of its position do: WAL before a position is at
least as old as the first measurement that saw it.
"""

from typing import Final

KEPT: Final = 1024
"""The number of measurements kept; beyond it, every second one is dropped."""


class WalHistory:
    """Measured positions that are still ahead of the reader."""

    def __init__(self) -> None:
        self._looks: list[tuple[int, float]] = []

    def seconds_behind(self, read_lsn: int, written_lsn: int, now: float) -> float:
        """How long there has been WAL that a reader at `read_lsn` has not read; 0 if there is none."""
        if self._looks and self._looks[-1][0] > written_lsn:
            self._looks.clear()  # another database, as after a restore
        self._looks = [(lsn, at) for lsn, at in self._looks if lsn > read_lsn]
        if written_lsn > read_lsn:
            self._looks.append((written_lsn, now))
        if len(self._looks) > KEPT:
            del self._looks[1::2]
        return now - self._looks[0][1] if self._looks else 0.0
