"""A store of limits: where the moments are kept, and the clock by which they are judged is its own.

All charges of one request are one step: either every limit lets it through and all are charged, or none is.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from headwater.http.limit.gcra import Rate


class Charge(NamedTuple):
    """What one limit is to be charged; `key` says which limit, and whose."""

    key: str
    pace: Rate
    cost: int


class Verdict(NamedTuple):
    """`debts`: how far ahead of now each TAT is, in microseconds, after the charges or, if refused, without them."""

    allowed: bool
    debts: Sequence[int]


class Store(Protocol):
    """For one process, or in Valkey for many; both judge alike (tests/integration/http/test_limit_stores.py)."""

    async def take(self, charges: Sequence[Charge]) -> Verdict:
        """Charge all or nothing."""
        ...

    async def close(self) -> None: ...

    def statistics(self) -> dict[str, Any]: ...
