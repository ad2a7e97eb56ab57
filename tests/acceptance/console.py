"""Console blocks: what is typed behind a `$`, and whether what came is what the document shows.

What differs from run to run (identifiers, times, positions, process ids, ports, paths) need not agree, except that one
identifier stays one: it is remembered, and put into what is typed later, as a reader would do.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_VARYING = [
    rf"(?P<uuid>{_UUID})",
    r"(?P<elided>…)",
    r"(?P<trace>\b00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}\b)",
    r"(?P<hex>\b[0-9a-f]{32}\b)",
    r"(?P<stamp>\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[.\d]*(?:Z|\+00)?)",
    r"(?P<date>[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT)",
    r"(?P<position>\b\d+\.[0-9A-F]+/[0-9A-F]+\.\d+\b)",
    r"(?P<lsn>\b[0-9A-F]+/[0-9A-F]+\b)",
    r"(?P<clock>\b\d\d:\d\d:\d\d\b)",
    r"(?P<duration>\b\d+(?:\.\d+)? ?(?:h|min|s)\b(?: \d+ (?:min|s)\b)?)",
    r"(?P<size>\b[\d.]+ (?:B|KiB|MiB|GiB)\b)",
    r"(?P<decimal>\b\d+\.\d+\b)",
    r"(?P<process>(?<=running)\s+\d+\b)",
    r"(?P<term>\bterm \d+\b)",
    r"(?P<number>\b\d{4,}\b)",
    r"(?P<space>\s+)",
]
_TOKEN = re.compile("|".join(_VARYING))
_PATTERNS = {
    "elided": r".*?",
    "trace": r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}",
    "hex": r"[0-9a-f]{32}",
    "stamp": r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[.\d]*(?:Z|\+00)?",
    "date": r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT",
    "position": r"\d+\.[0-9A-F]+/[0-9A-F]+\.\d+",
    "lsn": r"[0-9A-F]+/[0-9A-F]+",
    "clock": r"\d\d:\d\d:\d\d",
    "duration": r"\d+(?:\.\d+)? ?(?:h|min|s)\b(?: \d+ (?:min|s))?",
    "size": r"[\d.]+ (?:B|KiB|MiB|GiB)",
    "decimal": r"\d+\.\d+",
    "process": r"\s+\d+",
    "term": r"term \d+",
    "number": r"\d+",
    "space": r"\s+",
}


class Step(NamedTuple):
    """What is typed, and what the document says that comes."""

    typed: str
    shown: str


class Reader:
    """Whoever follows a document: knows which of its identifiers stand for which real ones."""

    def __init__(self) -> None:
        self._real: dict[str, str] = {}

    def typed(self, text: str) -> str:
        """What to type: the identifiers that came take the places of those that the document shows."""
        for written, real in self._real.items():
            text = text.replace(written, real)
        return text

    def sees(self, shown: str, came: str) -> bool:
        """Whether what came is what is shown; if so, its identifiers are remembered."""
        pattern, names = self._pattern(shown.strip())
        found = re.fullmatch(pattern, came.strip(), re.DOTALL)
        if found is None:
            return False
        self._real |= {written: found[group] for written, group in names.items()}
        return True

    def _pattern(self, shown: str) -> tuple[str, dict[str, str]]:
        names: dict[str, str] = {}
        pattern, end = "", 0
        for token in _TOKEN.finditer(shown):
            pattern += re.escape(shown[end : token.start()])
            end = token.end()
            if token.lastgroup != "uuid":
                pattern += _PATTERNS[str(token.lastgroup)]
            elif token[0] in self._real:
                pattern += self._real[token[0]]
            elif token[0] in names:
                pattern += f"(?P={names[token[0]]})"
            else:
                names[token[0]] = f"uuid{len(names)}"
                pattern += f"(?P<{names[token[0]]}>{_UUID})"
        return pattern + re.escape(shown[end:]), names


def steps_of(text: str) -> list[Step]:
    """The steps of a console block: a line that ends in a backslash, or in an open quote, goes on in the next."""
    return list(_steps(text.splitlines()))


def _steps(lines: list[str]) -> Iterator[Step]:
    typed: list[str] = []
    shown: list[str] = []
    for line in lines:
        if typed and not shown and _is_open("\n".join(typed)):
            typed.append(line)
        elif line.startswith("$ "):
            if typed:
                yield Step("\n".join(typed), "\n".join(shown))
            typed, shown = [line[2:]], []
        else:
            assert typed, f"nothing was typed before: {line}"
            shown.append(line)
    if typed:
        yield Step("\n".join(typed), "\n".join(shown))


def _is_open(typed: str) -> bool:
    without_escapes = re.sub(r"\\.", "", typed)
    outside_double = re.sub(r'"[^"]*"', "", re.sub(r"'[^']*'", "", without_escapes))
    return typed.endswith("\\") or "'" in outside_double or '"' in outside_double
