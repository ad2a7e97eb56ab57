"""The short form of `make crash`: every fault once in a while, and every planted bug caught."""

import random
from pathlib import Path

import pytest
import uvloop

from tests.crash.campaign import Plan, run
from tests.crash.checker import Verdict

MANY_EVENTS = 200

SECONDS = 4.0
PATIENT_SECONDS = 12.0
"""For a fault that harms only seven times of ten, and waits for a lock first: so often that chance does not hide it."""

PLANTS = {
    "event-lsn-as-key": (("checkpoint",), {"positions increase", "no split transaction"}),
    "acknowledge-before-append": (("relay-killed-during-append",), {"no loss"}),
    "queue-kept-over-reconnect": (("walsender-killed",), {"no duplicate", "catches up"}),
    "publish-before-visible": (("standby-silent",), {"visible before published"}),
    "watermark-lost-on-repartition": (("repartitioned",), {"effect repeated"}),
}


def campaign(plan: Plan, folder: Path) -> Verdict:
    folder.chmod(0o755)
    verdict = uvloop.run(run(plan, folder))
    print(f"{plan}\n{verdict}")
    assert verdict.events > MANY_EVENTS, "the workload did not run"
    return verdict


def test_every_law_holds_while_everything_is_killed(open_folder: Path) -> None:
    seed = random.SystemRandom().randint(0, 2**31)
    verdict = campaign(Plan(seed, 15.0), open_folder)
    assert str(verdict).endswith("every law holds"), f"seed {seed}\n{verdict}"
    assert verdict.applied == 3 * verdict.events


@pytest.mark.parametrize("plant", PLANTS)
def test_a_planted_bug_is_caught(plant: str, open_folder: Path) -> None:
    faults, expected = PLANTS[plant]
    seconds = PATIENT_SECONDS if "relay-killed-during-append" in faults else SECONDS
    verdict = campaign(Plan(1, seconds, faults, plant, suicides=False), open_folder)
    assert verdict.laws & expected, f"{plant} was not caught: {verdict}"
