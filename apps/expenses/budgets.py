"""The rule of budgets: that one is exceeded is said once, and again only after something was left of it in between.

Whoever calls these holds the category (`store.lock_category`): two expenses at once then come one after the other, and
one of them sees both.
"""

from uuid import UUID

from apps.expenses import store
from apps.expenses.rows import Budget, BudgetExceeded, Expense
from headwater import Tx


async def follow(tx: Tx, owner: UUID, *expenses: Expense) -> None:
    """Look at each budget that these count towards; an expense that has changed counts as it was and as it is."""
    touched = {(each.category, each.day.replace(day=1), each.currency) for each in expenses}
    for category, month, currency in sorted(touched):
        budget = await store.budget(tx, owner, category, month, currency)
        if budget is not None:
            await judge(tx, owner, budget)


async def judge(tx: Tx, owner: UUID, budget: Budget) -> Budget:
    """The budget with its flag as it has to be now; announces it if that says for the first time: exceeded."""
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
