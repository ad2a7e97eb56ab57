"""Polling: what it returns, and what a failure says."""

import pytest

from headwater.testing import NotSeen, eventually


class Counter:
    """Looks that find 1, 2, 3, …"""

    def __init__(self) -> None:
        self.count = 0

    def look(self) -> int:
        self.count += 1
        return self.count

    async def look_slowly(self) -> int:
        return self.look()


async def test_what_is_there_already_is_found_at_once() -> None:
    counter = Counter()
    assert await eventually(counter.look) == 1
    assert counter.count == 1


async def test_it_looks_until_the_condition_holds_and_returns_what_was_seen_then() -> None:
    assert await eventually(Counter().look, lambda found: found > 3) == 4
    assert await eventually(Counter().look_slowly, lambda found: found > 3) == 4


async def test_a_failure_says_what_was_waited_for_and_what_was_seen_last() -> None:
    letters = ["a", "b"]
    with pytest.raises(NotSeen) as lambdas:
        await eventually(lambda: len(letters), lambda found: found == 3, seconds=0)
    assert "len(letters), lambda found: found == 3" in str(lambdas.value)
    assert str(lambdas.value).endswith("last seen: 2")
    with pytest.raises(NotSeen, match=r"not within 0 s: Counter\.look; last seen: 1"):
        await eventually(Counter().look, lambda found: False, seconds=0)
    with pytest.raises(NotSeen, match="the third letter; last seen: 1"):
        await eventually(Counter().look, lambda found: False, seconds=0, what="the third letter")


async def test_what_a_look_raises_ends_the_wait() -> None:
    with pytest.raises(ZeroDivisionError):
        await eventually(lambda: 1 / 0)
