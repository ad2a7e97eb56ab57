"""The results as people read them: a line as they come in, ``results/latest.json``, and the table in the README."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from bench.row import Figures, Result, Spread

BEGIN = "<!-- the table is written by python -m bench -->"
END = "<!-- end of the table -->"

_HEADER = """
| what | against | goal | measured | verdict | the figures behind it (median of the runs) |
| --- | --- | --- | --- | --- | --- |
"""


def keep_results(folder: Path, results: Sequence[Result], order: Sequence[str] = ()) -> None:
    """Put these in the place of the earlier results of the same rows, in the file and in the table.

    `order` names the rows as they are to stand; others come last.
    """
    file = folder / "results" / "latest.json"
    kept = {result.row.name: result for result in read_results(file)}
    kept.update({result.row.name: result for result in results})
    places = {name: place for place, name in enumerate(order)}
    every = sorted(kept.values(), key=lambda result: places.get(result.row.name, len(places)))
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(msgspec.json.format(msgspec.json.encode(every), indent=2) + b"\n")
    readme = folder / "README.md"
    readme.write_text(put_table(readme.read_text(encoding="utf-8"), render_table(every)), encoding="utf-8")


def read_results(file: Path) -> list[Result]:
    """The results of earlier runs; none if there is no file yet."""
    return msgspec.json.decode(file.read_bytes(), type=list[Result]) if file.exists() else []


def put_table(text: str, table: str, begin: str = BEGIN, end: str = END) -> str:
    """The text with `table` between its two markers; raises `ValueError` if they are not there."""
    before, found_begin, rest = text.partition(begin)
    _, found_end, after = rest.partition(end)
    if not (found_begin and found_end):
        raise ValueError("the markers of the table are missing")
    return f"{before}{begin}\n{table}\n{end}{after}"


def render_table(results: Sequence[Result]) -> str:
    """The table, what was tried for each row, and the machines that it was measured on."""
    parts = [
        (_HEADER + "\n".join(map(_row, results))).strip(),
        "\n".join(f"- **{result.row.name}**: {result.row.tried}" for result in results if result.row.tried),
        "\n".join(_machines(results)),
    ]
    return "\n\n".join(part for part in parts if part)


def verdict_line(result: Result) -> str:
    """One line for the terminal."""
    row, against = result.row, f" against {result.row.against}" if result.row.against else ""
    measured = _spread(result.measured, row.goal.unit)
    return f"{row.name}: {row.work}{against}: {measured}, {row.goal}: {result.verdict.value}"


def _row(result: Result) -> str:
    row = result.row
    cells = [
        row.work,
        row.against or "(absolute)",
        str(row.goal),
        _spread(result.measured, row.goal.unit),
        f"**{result.verdict.value}**",
        "; ".join(map(_side, result.sides)),
    ]
    return "| " + " | ".join(cells) + " |"


def _spread(spread: Spread, unit: str) -> str:
    return f"{_number(spread.median)} {unit} ({_number(spread.least)} to {_number(spread.most)})"


def _side(figures: Figures) -> str:
    facts = ", ".join(f"{name.replace('_', ' ')} {_number(value)}" for name, value in figures.facts.items())
    return f"{figures.side}: {_number(figures.spread.median)} {figures.unit}" + (f" ({facts})" if facts else "")


def _number(value: float) -> str:
    """Three digits that count, and thousands apart."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _machines(results: Sequence[Result]) -> list[str]:
    """One line for every machine and day, with its rows if there are several."""
    places: dict[str, list[str]] = {}
    for result in results:
        place = f"{result.at:%Y-%m-%d}, {result.machine}"
        if result.load:
            place += f"; requests by {result.load}"
        places.setdefault(place, []).append(result.row.name)
    if len(places) == 1:
        return [f"Measured on {place}." for place in places]
    return [f"Measured on {place}: {', '.join(names)}." for place, names in places.items()]
