"""``make crash``: campaigns for as long as asked; exits with 1 at the first broken law, naming the seed."""

import argparse
import random
import tempfile
from pathlib import Path

import uvloop

from tests.crash.campaign import Plan, run
from tests.crash.faults import FAULTS
from tests.crash.planted import PLANTED

_CAMPAIGN_SECONDS = 30.0


def main() -> int:
    """Run campaigns until the time is up."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randint(0, 2**31))
    parser.add_argument("--fault", choices=sorted(FAULTS), action="append", help="only these faults")
    parser.add_argument("--plant", choices=sorted(PLANTED), default="none", help="a bug that must be caught")
    asked = parser.parse_args()
    left, seed = asked.seconds, asked.seed
    while left > 0:
        seconds = min(left, _CAMPAIGN_SECONDS)
        print(f"seed {seed}: {seconds:.0f} s of workload and faults …", flush=True)
        with tempfile.TemporaryDirectory(prefix="headwater-crash-") as folder:
            Path(folder).chmod(0o755)
            plan = Plan(seed, seconds, tuple(asked.fault or FAULTS), asked.plant)
            verdict = uvloop.run(run(plan, Path(folder)))
        print(verdict, flush=True)
        if verdict.violations:
            print(f"repeat with: make crash SEED={seed} SECONDS={seconds:.0f}")
            return 1
        left, seed = left - seconds, seed + 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
