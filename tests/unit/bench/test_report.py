"""The table is made from the results, and nothing else in the README changes."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bench.machine import Machine
from bench.report import BEGIN, END, keep_results, put_table, read_results, render_table, verdict_line
from bench.row import RATIO, Goal, Result, Row, Sample, Sense, compare

MACHINE = Machine(
    cpu="Some CPU", cores=2, memory_gib=8, system="Linux 6", python="3.11.7", postgres="18.6", disk="ext4", load=0.1
)


def result(name: str, ratio: float, tried: str = "") -> Result:
    ours = Sample(side="Headwater", value=ratio * 1000, unit="requests/s", facts={"cpu_us": 90.0})
    theirs = Sample(side="a peer", value=1000, unit="requests/s", facts={"cpu_us": 80.0})
    goal = Goal(Sense.AT_LEAST, 0.85, RATIO)
    return compare(
        Row(name=name, work="read by id", against="a peer", goal=goal, tried=tried),
        [ours],
        [theirs],
        machine=MACHINE,
        at=datetime(2026, 1, 1, tzinfo=UTC),
        load="wrk",
    )


def test_a_row_of_the_table_says_what_was_measured_against_what_and_the_verdict() -> None:
    table = render_table([result("read", 0.9, tried="Everything.")])
    assert (
        f"| read by id | a peer | ≥ 0.85 {RATIO} | 0.9 {RATIO} (0.9 to 0.9) | **met** "
        "| Headwater: 900 requests/s (cpu us 90); a peer: 1,000 requests/s (cpu us 80) |"
    ) in table
    assert "- **read**: Everything." in table
    assert "Measured on 2026-01-01, 2 cores of Some CPU" in table


def test_one_line_tells_a_result() -> None:
    assert verdict_line(result("read", 0.8)) == (
        f"read: read by id against a peer: 0.8 {RATIO} (0.8 to 0.8), ≥ 0.85 {RATIO}: short"
    )


def test_what_stands_around_the_markers_stays() -> None:
    text = f"before\n{BEGIN}\nold\n{END}\nafter"
    assert put_table(text, "new") == f"before\n{BEGIN}\nnew\n{END}\nafter"
    with pytest.raises(ValueError, match="markers"):
        put_table("nothing here", "new")


def test_results_replace_those_of_the_same_rows_and_leave_the_others(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(f"{BEGIN}\n{END}")
    keep_results(tmp_path, [result("relay", 0.7), result("read", 0.9)])
    keep_results(tmp_path, [result("read", 0.8)], order=("read", "relay"))
    kept = read_results(tmp_path / "results" / "latest.json")
    assert [(each.row.name, each.measured.median) for each in kept] == [("read", 0.8), ("relay", 0.7)]
    assert "0.7" in (tmp_path / "README.md").read_text()
