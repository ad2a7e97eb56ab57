"""A store of limits: it keeps the TATs, and uses a clock of its own.

The charges of one request are atomic: either every limit allows it and all are charged, or none is.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from headwater.http.limit.gcra import Rate


class Charge(NamedTuple):
    """A charge of one limit; `key` identifies the limit and the client."""

    key: str
    rate: Rate
    cost: int


class Verdict(NamedTuple):
    """`debts`: how far ahead of now each TAT is, in microseconds, after the charges or, if refused, without them."""

    allowed: bool
    debts: Sequence[int]


class Store(Protocol):
    """In memory for one process, or in Valkey for many; both give the same verdicts (see test_limit_stores.py)."""

    async def take(self, charges: Sequence[Charge]) -> Verdict:
        """Charge all or nothing."""
        ...

    async def close(self) -> None: ...

    def statistics(self) -> dict[str, Any]: ...
