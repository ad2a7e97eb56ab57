"""The WAL budget, watched: told once when it runs low, once when it is as good as spent, and when it is regained."""

from enum import IntEnum
from typing import ClassVar, Final

from headwater.engines.judgement import WARNING_SHARE
from headwater.observe import Level, Occurrence, report
from headwater.wal.backlog import Backlog

SPENT_SHARE: Final = 0.9
"""Of the budget, beyond which it is as good as spent."""
REGAINED_SHARE: Final = 0.8
"""Of the share at which something was told, below which it is over: what goes up and down there is told once."""

_MIB: Final = 1 << 20


class WalBudgetLow(Occurrence, frozen=True, kw_only=True):
    """The relay is behind, or an old transaction holds it, and half of the WAL that may be kept for it is."""

    level: ClassVar[Level] = "warning"
    held_mb: int
    budget_mb: int


class WalBudgetSpent(Occurrence, frozen=True, kw_only=True):
    """PostgreSQL is about to give up the slot, or has: what is committed then will be in no log."""

    level: ClassVar[Level] = "error"
    held_mb: int
    budget_mb: int
    wal_status: str


class WalBudgetRegained(Occurrence, frozen=True, kw_only=True):
    """The WAL that is kept for the relay is well within the budget again."""

    held_mb: int
    budget_mb: int


class Stage(IntEnum):
    """How much of the budget is used."""

    AMPLE = 0
    LOW = 1
    SPENT = 2


_BEGINS_AT: Final = {Stage.AMPLE: 0.0, Stage.LOW: WARNING_SHARE, Stage.SPENT: SPENT_SHARE}


class WalBudget:
    """Tells what becomes of the budget of so many bytes."""

    def __init__(self, budget_bytes: int) -> None:
        self._budget_bytes = budget_bytes
        self._stage = Stage.AMPLE

    def watch(self, backlog: Backlog) -> None:
        """Take note of how it is now. A slot that is missing is told by the relay."""
        if backlog.wal_status == "missing":
            return
        held, budget = backlog.held_bytes or 0, self._allowed(backlog)
        lost = backlog.wal_status in ("unreserved", "lost")
        share = 1.0 if lost else held / budget
        stage = max(stage for stage, least in _BEGINS_AT.items() if share >= least)
        if stage < self._stage and share >= _BEGINS_AT[self._stage] * REGAINED_SHARE:
            return
        if stage != self._stage:
            before, self._stage = self._stage, stage
            _tell(stage, before, held // _MIB, budget // _MIB, backlog.wal_status)

    def _allowed(self, backlog: Backlog) -> int:
        """The setting, or what an external PostgreSQL allows if that is less."""
        if backlog.held_bytes is None or backlog.left_bytes is None:
            return self._budget_bytes
        return max(1, min(self._budget_bytes, backlog.held_bytes + backlog.left_bytes))


def _tell(stage: Stage, before: Stage, held_mb: int, budget_mb: int, wal_status: str) -> None:
    if stage is Stage.SPENT:
        report(WalBudgetSpent(held_mb=held_mb, budget_mb=budget_mb, wal_status=wal_status))
    elif stage is Stage.LOW and stage > before:
        report(WalBudgetLow(held_mb=held_mb, budget_mb=budget_mb))
    elif stage is Stage.AMPLE:
        report(WalBudgetRegained(held_mb=held_mb, budget_mb=budget_mb))
