"""Bisection: where the coming transactions have to end while a failure among their deliveries is closed in.

A transaction that fails rolls everything back, and what failed is to be applied alone, so that it can be set aside
alone. When the failing call is known, three transactions do it: up to before it, it alone, and on. When it is not (a
batch handler, a constraint checked at commit, an error of SQL that a handler swallowed), halves do it in about
2 log2(n) of them. The cuts are positions, so they mean the same whoever moved the watermark meanwhile.
"""

from collections.abc import Sequence

from headwater.log import Position


class Bisection:
    """The positions at which the coming transactions have to end, in order."""

    __slots__ = ("_cuts",)

    def __init__(self) -> None:
        self._cuts: list[Position] = []

    def next_after(self, watermark: Position) -> Position | None:
        """Where a transaction that begins at `watermark` has to end; None when it may go as far as it likes."""
        while self._cuts and self._cuts[0] <= watermark:
            del self._cuts[0]
        return self._cuts[0] if self._cuts else None

    def close_in(self, positions: Sequence[Position], first: int, past: int) -> None:
        """Of the deliveries at `positions`, two or more, those from `first` to before `past` hold the failure."""
        count = len(positions)
        if first > 0:
            ends = [first - 1, past - 1]
        elif past < count:
            ends = [past - 1]
        else:
            ends = [(count - 1) // 2, count - 1]
        new = [positions[end] for end in ends]
        self._cuts = new + [cut for cut in self._cuts if cut > new[-1]]

    def clear(self) -> None:
        self._cuts.clear()
