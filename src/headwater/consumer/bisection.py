"""Bisection: where the next transactions must end until the failing delivery is isolated.

A failed transaction rolls everything back, and the failing event must be applied alone, so that it alone is set aside.
When the failing call is known, three transactions do it: up to the event, the event alone, and the rest. Otherwise (a
batch handler, a constraint checked at commit, an SQL error that a handler swallowed), halving takes about 2 log2(n)
transactions. The cuts are positions, so they stay valid if another worker moves the watermark.
"""

from collections.abc import Sequence

from headwater.log import Position


class Bisection:
    """The positions at which the next transactions must end, in order."""

    __slots__ = ("_cuts",)

    def __init__(self) -> None:
        self._cuts: list[Position] = []

    def next_after(self, watermark: Position) -> Position | None:
        """The position at which a transaction that starts at `watermark` must end; None without a limit."""
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
