"""The rule of budgets: an excess is announced once, and again only after the budget was met in between.

The caller must hold the lock of the category (`store.lock_category`), so that concurrent expenses are serialised and
the second one sees both.
"""

from uuid import UUID

from apps.expenses import store
from apps.expenses.rows import Budget, BudgetExceeded, Expense
from headwater import Tx


async def follow(tx: Tx, owner: UUID, *expenses: Expense) -> None:
    """Update each budget to which these expenses belong; pass a changed expense in its old and its new form."""
    touched = {(each.category, each.day.replace(day=1), each.currency) for each in expenses}
    for category, month, currency in sorted(touched):
        budget = await store.budget(tx, owner, category, month, currency)
        if budget is not None:
            await judge(tx, owner, budget)


async def judge(tx: Tx, owner: UUID, budget: Budget) -> Budget:
    """The budget with its current flag; emits an event if it has just become exceeded."""
    net = await store.net(tx, owner, budget.category, budget.month, budget.currency)
    exceeded = net > budget.amount
    if exceeded == budget.exceeded:
        return budget
    if exceeded:
        tx.emit(_announcement(owner, budget, net))
    return await store.mark_budget(tx, owner, budget, exceeded)


def _announcement(owner: UUID, budget: Budget, net: int) -> BudgetExceeded:
    return BudgetExceeded(
        owner=owner,
        category=budget.category,
        month=budget.month,
        currency=budget.currency,
        budget=budget.amount,
        net=net,
    )
