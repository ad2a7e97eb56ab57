"""``python -m bench [ROW …] [--seconds N] [--quick]``: measure, print, and keep the results."""

import argparse
import importlib
from pathlib import Path

import uvloop

from bench.lab import Lab
from bench.report import keep_results, verdict_line
from bench.row import Result

ROWS = (
    "read", "features", "command", "page", "export", "redirect",
    "relay", "latency", "consumer", "importing", "up", "memory",
)  # fmt: skip
FOLDER = Path(__file__).resolve().parent


def main() -> None:
    """Measure the rows that are named, or all of them."""
    parser = argparse.ArgumentParser(prog="bench", description="Measure Headwater against its named peers.")
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"of: {', '.join(ROWS)}")
    parser.add_argument("--seconds", type=float, help="length of one timed run of a server under load")
    parser.add_argument("--quick", action="store_true", help="one small run of each, to see that it works; not kept")
    parser.add_argument("--own-client", action="store_true", help="load by our own client, even where wrk is")
    asked = parser.parse_args()
    if unknown := sorted(set(asked.rows) - set(ROWS)):
        parser.error(f"no such row: {', '.join(unknown)}")
    with Lab(seconds=asked.seconds, quick=asked.quick, own_client=asked.own_client) as lab:
        print(f"{lab.machine}; load {lab.machine.load}")
        for name in asked.rows or ROWS:
            results = uvloop.run(_measure(name, lab))
            if not lab.quick:
                keep_results(FOLDER, results, order=_order())


def _order() -> list[str]:
    """The names of all results, in the order of the rows."""
    return [row.name for name in ROWS for row in importlib.import_module(f"bench.rows.{name}").ROWS]


async def _measure(name: str, lab: Lab) -> list[Result]:
    print(name, flush=True)
    results: list[Result] = await importlib.import_module(f"bench.rows.{name}").measure(lab)
    for result in results:
        print(f"  {verdict_line(result)}", flush=True)
    return results


if __name__ == "__main__":
    main()
