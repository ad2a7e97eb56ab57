"""The laws hold while everything is killed, for as long as there is, and every planted bug is caught.

With every change a short campaign and one planted bug; the others take half a minute each and are left to the proof.
"""

import random
from pathlib import Path

import pytest
import uvloop

from tests.crash.campaign import Plan, run
from tests.crash.checker import Verdict

MANY_EVENTS = 200

BRIEF_SECONDS = 6.0
PROOF_SECONDS = 120.0
SECONDS = 4.0
PATIENT_SECONDS = 12.0
"""For a fault that harms only seven times of ten, and waits for a lock first: so often that chance does not hide it."""

PROMPTLY_CAUGHT = "publish-before-visible"
PLANTS = {
    "event-lsn-as-key": (("checkpoint",), {"positions increase", "no split transaction"}),
    "acknowledge-before-append": (("relay-killed-during-append",), {"no loss"}),
    "queue-kept-over-reconnect": (("walsender-killed",), {"no duplicate", "catches up"}),
    "publish-before-visible": (("standby-silent",), {"visible before published"}),
    "watermark-lost-on-repartition": (("repartitioned",), {"effect repeated"}),
}


def campaign(plan: Plan, folder: Path) -> Verdict:
    folder.chmod(0o755)
    verdict = uvloop.run(run(plan._replace(events=MANY_EVENTS), folder))
    print(f"{plan}\n{verdict}")
    assert verdict.events >= MANY_EVENTS, "the workload did not run"
    return verdict


@pytest.mark.campaign
def test_every_law_holds_while_everything_is_killed(open_folder: Path, proof: bool) -> None:
    seed = random.SystemRandom().randint(0, 2**31)
    verdict = campaign(Plan(seed, PROOF_SECONDS if proof else BRIEF_SECONDS), open_folder)
    assert str(verdict).endswith("every law holds"), f"seed {seed}\n{verdict}"
    assert verdict.applied == 3 * verdict.events


@pytest.mark.campaign
@pytest.mark.parametrize(
    "plant",
    [pytest.param(plant, marks=() if plant == PROMPTLY_CAUGHT else pytest.mark.proof) for plant in PLANTS],
)
def test_a_planted_bug_is_caught(plant: str, open_folder: Path) -> None:
    faults, expected = PLANTS[plant]
    seconds = PATIENT_SECONDS if "relay-killed-during-append" in faults else SECONDS
    verdict = campaign(Plan(1, seconds, faults, plant, suicides=False), open_folder)
    assert verdict.laws & expected, f"{plant} was not caught: {verdict}"
