"""Keyset: the rows after a position in an order, as ranges that an index serves at any depth.

Where directions agree and no NULL is in the way, they are one range: ``(born, id) > ($1, $2)``, PostgreSQL's comparison
of rows. Otherwise they are several that do not overlap: for ``born desc, name, id`` behind (2000, Ada, 7), the people
born before 2000; and of those born in 2000, ``(name, id) > (Ada, 7)``. The textbook writes that as one condition with
OR, through which no index finds its way; as branches of a UNION ALL, each with its own limit, every one is a range.

The rows whose first column is NULL are a branch of their own too. Within each branch the first column then needs no
NULLS FIRST or LAST, so that one plain index serves both directions and either placing of the nulls.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from headwater.http.page.order import Order, Term, order_sql, quoted

Argument = Callable[[Any], str]
"""Adds an argument and returns its placeholder in the statement: ``$3``."""


class Branch(msgspec.Struct, frozen=True):
    """One range: its conditions, of which there may be none, and its ORDER BY."""

    conditions: tuple[str, ...]
    order: str


def branches_from(order: Order, values: Sequence[Any] | None, argument: Argument, inclusive: bool) -> list[Branch]:
    """The ranges that hold every row behind `values`, one for each term; from the beginning if there are none.

    Each row is in exactly one of them. With `inclusive`, the row at `values` itself is among them.
    """
    if values is not None:
        ranges = list(_behind(order, values, [argument(v) if v is not None else "" for v in values], (), inclusive))
    elif order[0].plain:
        return [Branch((), order_sql(order))]
    else:
        ranges = [(f"{quoted(order[0].column)} is not null",), (_null(order[0]),)]
    by = ", ".join([order[0].sql(nulls=False), *(term.sql() for term in order[1:])])
    return [Branch(each, by) for each in ranges]


Conditions = tuple[str, ...]


def _behind(
    order: Order, values: Sequence[Any], positions: Sequence[str], prefix: Conditions, inclusive: bool
) -> Iterator[Conditions]:
    """The ranges of the rows that agree in what `prefix` says, and lie behind the values of the terms that are left."""
    if values[0] is None:
        if order[0].nulls_first:
            yield (*prefix, f"{quoted(order[0].column)} is not null")
        yield from _behind(order[1:], values[1:], positions[1:], (*prefix, _null(order[0])), inclusive)
        return
    length = _run(order, values)
    run, last = order[:length], length == len(order)
    yield (*prefix, _beyond(run, positions[:length], inclusive and last))
    equal = tuple(f"{quoted(term.column)} = {position}" for term, position in zip(run, positions, strict=False))
    for at, term in enumerate(run):
        if term.nullable and not term.nulls_first:
            yield (*prefix, *equal[:at], _null(term))
    if not last:
        yield from _behind(order[length:], values[length:], positions[length:], (*prefix, *equal), inclusive)


def _run(order: Order, values: Sequence[Any]) -> int:
    """How many terms from the first on have its direction, and a value."""
    for at, (term, value) in enumerate(zip(order, values, strict=True)):
        if value is None or term.descending != order[0].descending:
            return at
    return len(order)


def _beyond(run: Sequence[Term], positions: Sequence[str], inclusive: bool) -> str:
    """Strictly behind the values, or at them: NULL is neither."""
    operator = ("<" if run[0].descending else ">") + ("=" if inclusive else "")
    if len(run) == 1:
        return f"{quoted(run[0].column)} {operator} {positions[0]}"
    return f"({', '.join(quoted(term.column) for term in run)}) {operator} ({', '.join(positions)})"


def _null(term: Term) -> str:
    return f"{quoted(term.column)} is null"
