"""A matrix: what each feature costs each side, as the CPU that a request takes more than without it.

CPU and not requests per second, because the cost of one feature is a few microseconds, which vanish in how a busy
machine spreads its work, and do not in what the server's process was charged for.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from bench.features import FEATURES, Feature
from bench.machine import Machine
from bench.report import put_table
from bench.row import Figures, Sample

BEGIN = "<!-- the matrix is written by python -m bench -->"
END = "<!-- end of the matrix -->"


class Matrix(msgspec.Struct, frozen=True, kw_only=True):
    """`figures` by side, then by feature."""

    figures: Mapping[str, Mapping[str, Figures]]
    machine: Machine
    at: datetime
    load: str


def figures_of(samples: Mapping[str, Mapping[str, Sequence[Sample]]]) -> dict[str, dict[str, Figures]]:
    """What the samples of each side and feature come to."""
    return {side: {name: Figures.of(each) for name, each in row.items()} for side, row in samples.items()}


def keep_matrix(folder: Path, matrix: Matrix) -> None:
    """Put it in the place of the earlier one, in its file and in the table of the README."""
    file = folder / "results" / "features.json"
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(msgspec.json.format(msgspec.json.encode(matrix), indent=2) + b"\n")
    readme = folder / "README.md"
    text = readme.read_text(encoding="utf-8")
    readme.write_text(put_table(text, render_matrix(matrix), BEGIN, END), encoding="utf-8")


def render_matrix(matrix: Matrix) -> str:
    """A row per feature and a column per side."""
    sides = list(matrix.figures)
    lines = [
        "| a request with | " + " | ".join(sides) + " |",
        "| --- |" + " ---: |" * len(sides),
        *(_line(feature, [matrix.figures[side] for side in sides]) for feature in FEATURES),
    ]
    return "\n".join([*lines, "", f"Measured on {matrix.at:%Y-%m-%d}, {matrix.machine}; requests by {matrix.load}."])


def _line(feature: Feature, sides: Sequence[Mapping[str, Figures]]) -> str:
    return f"| {feature.work} | " + " | ".join(_cell(feature, side) for side in sides) + " |"


def _cell(feature: Feature, side: Mapping[str, Figures]) -> str:
    figures = side[feature.name]
    rate, cost = f"{figures.spread.median:,.0f}/s", _cpu(figures)
    if feature.over is None:
        return f"{rate}, {cost:.0f} µs"
    return f"{rate}, {cost - _cpu(side[feature.over]):+.0f} µs"


def _cpu(figures: Figures) -> float:
    return figures.facts["cpu_us"]
