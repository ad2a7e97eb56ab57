"""The checker itself: a clean history passes, and each broken law is named."""

from uuid import UUID

import pytest

from headwater.log import Position
from tests.crash.checker import check
from tests.crash.facts import Applied, Counted, Fact, Logged, Sighting

FACTS = [
    Fact(UUID(int=1), UUID(int=100), 0, 7, 1),
    Fact(UUID(int=2), UUID(int=100), 1, 8, 1),
    Fact(UUID(int=3), UUID(int=101), 0, 7, 2),
]


def logged(*places: tuple[int, int, Fact], partition: int = 0) -> list[Logged]:
    return [Logged(Position(1, lsn, ordinal), partition, fact) for lsn, ordinal, fact in places]


LOG = logged((10, 0, FACTS[0]), (10, 1, FACTS[1]), (20, 0, FACTS[2]))
APPLIED = [Applied("c", fact.key, fact.seq, fact.event) for fact in FACTS]


def test_a_true_history_breaks_no_law() -> None:
    assert check(FACTS, LOG, APPLIED).violations == []


@pytest.mark.parametrize(
    ("law", "log"),
    [
        ("no loss", LOG[:2]),
        ("no phantom", [*LOG, *logged((30, 0, Fact(UUID(int=9), UUID(int=102), 0, 7, 3)))]),
        ("no duplicate", [*LOG, *logged((30, 0, FACTS[0]))]),
        ("order within a key", logged((5, 0, FACTS[2]), (10, 0, FACTS[0]), (10, 1, FACTS[1]))),
        ("no split transaction", logged((10, 0, FACTS[0]), (20, 0, FACTS[2]), (30, 0, FACTS[1]))),
        ("positions increase", [LOG[2], LOG[0], LOG[1]]),
        ("positions are unique", [*LOG, *logged((20, 0, FACTS[2]), partition=1)]),
    ],
)
def test_a_broken_log_is_named(law: str, log: list[Logged]) -> None:
    assert law in check(FACTS, log, APPLIED).laws


@pytest.mark.parametrize(
    ("law", "applied"),
    [
        ("effect lost", APPLIED[:2]),
        ("effect repeated", [*APPLIED, APPLIED[0]]),
        ("effect made up", [*APPLIED, Applied("c", 7, 3, UUID(int=9))]),
        ("effects in order", [APPLIED[2], APPLIED[0], APPLIED[1]]),
    ],
)
def test_a_broken_effect_is_named(law: str, applied: list[Applied]) -> None:
    assert law in check(FACTS, LOG, applied).laws


@pytest.mark.parametrize(
    ("second", "laws"),
    [(3, set()), (4, {"offsets have no gap"}), (2, {"offsets have no gap"}), (-1, {"offsets have no gap"})],
)
def test_offsets_go_on_from_batch_to_batch(second: int, laws: set[str]) -> None:
    batches = [Counted(0, 0, 3), Counted(0, second, 2), Counted(1, 0, 5)]
    assert check(FACTS, LOG, APPLIED, batches=batches).laws == laws


def test_what_the_observer_saw_counts() -> None:
    assert check(FACTS, LOG, APPLIED, [Sighting("visible before published", "…", "1.0/A.0")]).laws == {
        "visible before published"
    }


def test_the_verdict_names_first_worst_and_last() -> None:
    lines = str(check(FACTS, LOG, [*APPLIED, APPLIED[0], APPLIED[0], APPLIED[1]])).splitlines()
    assert [line.split(":")[0].strip() for line in lines[2:5]] == ["first", "worst", "last"]
    assert "applied 3 times" in lines[3]
