"""Watches the WAL budget: reports once when it is low, once when it is nearly spent, and when it is regained."""

from enum import IntEnum
from typing import ClassVar, Final

from headwater.engines.judgement import WARNING_SHARE
from headwater.observe import Level, Occurrence, report
from headwater.wal.backlog import Backlog

SPENT_SHARE: Final = 0.9
"""The share of the budget at which it is nearly spent."""
REGAINED_SHARE: Final = 0.8
"""Below this part of the reported share the report is cleared, so that small changes are not reported again."""

_MIB: Final = 1 << 20


class WalBudgetLow(Occurrence, frozen=True, kw_only=True):
    """Half of the WAL budget is used, because the relay is behind or an old transaction is open."""

    level: ClassVar[Level] = "warning"
    held_mb: int
    budget_mb: int


class WalBudgetSpent(Occurrence, frozen=True, kw_only=True):
    """PostgreSQL is about to invalidate the replication slot, or has done so. Later commits will not be in the log."""

    level: ClassVar[Level] = "error"
    held_mb: int
    budget_mb: int
    wal_status: str


class WalBudgetRegained(Occurrence, frozen=True, kw_only=True):
    """The WAL that PostgreSQL retains for the relay is well within the budget again."""

    held_mb: int
    budget_mb: int


class BudgetStage(IntEnum):
    """The used share of the budget."""

    AMPLE = 0
    LOW = 1
    SPENT = 2


_BEGINS_AT: Final = {BudgetStage.AMPLE: 0.0, BudgetStage.LOW: WARNING_SHARE, BudgetStage.SPENT: SPENT_SHARE}


class WalBudget:
    """Reports on a budget of so many bytes."""

    def __init__(self, budget_bytes: int) -> None:
        self._budget_bytes = budget_bytes
        self._stage = BudgetStage.AMPLE

    def watch(self, backlog: Backlog) -> None:
        """Check the present backlog. The relay reports a missing slot itself."""
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
        """The setting, or the limit of an external PostgreSQL if that is less."""
        if backlog.held_bytes is None or backlog.left_bytes is None:
            return self._budget_bytes
        return max(1, min(self._budget_bytes, backlog.held_bytes + backlog.left_bytes))


def _tell(stage: BudgetStage, before: BudgetStage, held_mb: int, budget_mb: int, wal_status: str) -> None:
    if stage is BudgetStage.SPENT:
        report(WalBudgetSpent(held_mb=held_mb, budget_mb=budget_mb, wal_status=wal_status))
    elif stage is BudgetStage.LOW and stage > before:
        report(WalBudgetLow(held_mb=held_mb, budget_mb=budget_mb))
    elif stage is BudgetStage.AMPLE:
        report(WalBudgetRegained(held_mb=held_mb, budget_mb=budget_mb))
