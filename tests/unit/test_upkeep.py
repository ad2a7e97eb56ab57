"""What parts declare beside routes and consumers is checked when it is declared, or at the start."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from headwater import App, Backend
from headwater.binding import Hook, ResourceInvalid
from headwater.cli import own
from headwater.cli.main import cli
from headwater.engines import Finding
from headwater.part import Declaration, Part
from headwater.settings import Settings
from headwater.upkeep import COMMANDS, PROCESSES, Check, Chore, Command, Examination, Process, UpkeepInvalid


async def work(stop: asyncio.Event) -> None:
    """A process."""


async def tidy() -> int:
    return 0


async def tidy_more() -> int:
    return 0


async def reasons() -> list[str]:
    return []


class Absent:
    """A type that nothing provides."""


async def lost(absent: Absent) -> Any:
    """A function that cannot be called."""


@pytest.mark.parametrize("name", ["", "Auditor", "../etc", "two  words", "line\nbreak", "x" * 41, "web", "relay 2"])
def test_a_process_has_a_plain_name_of_its_own(name: str) -> None:
    with pytest.raises(UpkeepInvalid, match="cannot be declared"):
        Process(name=name, run=work)


@pytest.mark.parametrize("count", [0, -1])
def test_there_is_at_least_one_of_a_process(count: int) -> None:
    with pytest.raises(UpkeepInvalid, match="below 1"):
        Process(name="auditor", run=work, count=count)


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan"), float("inf")])
def test_a_chore_pauses_between_its_runs(seconds: float) -> None:
    with pytest.raises(UpkeepInvalid, match="cannot run every"):
        Chore(name="tidy", run=tidy, seconds=seconds)


@pytest.mark.parametrize("name", ["up", "log", "--help", "two words", ""])
def test_a_command_does_not_hide_behind_one_of_the_platform(name: str) -> None:
    with pytest.raises(UpkeepInvalid):
        Command(name=name, run=tidy)


def test_the_reserved_names_are_those_of_the_platform() -> None:
    assert {name for name in cli if not name.startswith("-")} == COMMANDS
    assert {"web", "consumer", "relay", "dev"} <= PROCESSES


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Process(name="auditor", run=work), Process(name="auditor", run=lost)),
        (Chore(name="tidy", run=tidy), Chore(name="tidy", run=tidy_more)),
        (Command(name="tidy", run=tidy), Command(name="tidy", run=tidy_more)),
    ],
)
def test_two_of_one_name_are_refused_with_both_places(one: Declaration, other: Declaration) -> None:
    with pytest.raises(UpkeepInvalid, match=r"test_upkeep\.\w+ and .*test_upkeep\.\w+ both have that name"):
        Backend(App("shop"), parts=[Part("one", one), Part("other", other)])


@pytest.mark.parametrize(
    "declare",
    [
        lambda function: Process(name="auditor", run=function),
        lambda function: Chore(name="tidy", run=function),
        lambda function: Check(reasons=function),
        lambda function: Examination(examine=function),
        lambda function: Hook(run=function),
    ],
)
def test_a_function_that_nothing_fills_is_an_error_at_the_start(declare: Callable[[Any], Declaration]) -> None:
    backend = Backend(App("shop"), parts=[Part("lost", declare(lost))])
    with pytest.raises(ResourceInvalid, match="no resource is a Absent, the type of `absent`"):
        backend.check()


async def test_an_examination_that_raises_is_a_finding_beside_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    async def breaks() -> list[Finding]:
        raise OSError("no such device")

    async def passes() -> list[Finding]:
        return [Finding(ok=True, subject="the moon", found="up", wanted="up")]

    backend = Backend(App("shop"), parts=[Part("sick", Examination(examine=breaks), Examination(examine=passes))])
    monkeypatch.setattr(own, "_find_backend", lambda: backend)
    first, second = await own.examine_parts(Settings())
    assert (first.ok, first.found) == (False, "OSError: no such device")
    assert second.ok


def test_a_function_that_can_be_filled_passes() -> None:
    found = [Process(name="auditor", run=work), Chore(name="tidy", run=tidy), Check(reasons=reasons)]
    Backend(App("shop"), parts=[Part("upkeep", *found)]).check()
