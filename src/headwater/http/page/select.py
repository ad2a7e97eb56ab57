"""The statements that read a page, count what there is, and estimate it."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from headwater.http.page.asked import Asked
from headwater.http.page.keyset import Branch, branches_from
from headwater.http.page.order import Order, order_sql, quoted


class Select:
    """Rows of `source` (a table, or a select in parentheses with a name) that satisfy `conditions`.

    Values become arguments behind those that there are already; `arguments` has them all at the end.
    """

    def __init__(self, source: str, conditions: Sequence[str], arguments: Sequence[Any]) -> None:
        self._source = source
        self._conditions = list(conditions)
        self.arguments = list(arguments)

    def argument(self, value: Any) -> str:
        """Add an argument, and return its placeholder."""
        self.arguments.append(value)
        return f"${len(self.arguments)}"

    def narrow(self, asked: Asked) -> None:
        """Restrict the rows by the filters."""
        for each, value in asked.filters:
            self._conditions.append(each.condition(value, self.argument))

    def narrow_to(self, column: str, value: Any) -> None:
        """Restrict the rows to those with this value in a column."""
        self._conditions.append(f"{quoted(column)} = {self.argument(value)}")

    def rows(
        self, columns: Sequence[str], order: Order, values: Sequence[Any] | None, inclusive: bool, limit: int
    ) -> str:
        """The first `limit` rows behind `values`, or from the beginning."""
        listed = _listed(tuple(columns))
        branches = branches_from(order, values, self.argument, inclusive)
        parts = [self._branch(listed, branch, limit) for branch in branches]
        if len(parts) == 1:
            return parts[0]
        whole = " union all ".join(f"({part})" for part in parts)
        return f"select {listed} from ({whole}) as page order by {order_sql(order)} limit {limit}"

    def count(self) -> str:
        return f"select count(*) from {self._source}{_where(self._conditions)}"

    def estimate(self) -> str:
        return f"explain (format json) select from {self._source}{_where(self._conditions)}"

    def _branch(self, listed: str, branch: Branch, limit: int) -> str:
        where = _where([*self._conditions, *branch.conditions])
        return f"select {listed} from {self._source}{where} order by {branch.order} limit {limit}"


@lru_cache(maxsize=256)
def _listed(columns: tuple[str, ...]) -> str:
    return ", ".join(map(quoted, columns))


def _where(conditions: Sequence[str]) -> str:
    return f" where {' and '.join(conditions)}" if conditions else ""
