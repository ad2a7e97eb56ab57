"""Names of metrics: the conventions of Prometheus, checked where a metric is declared.

Source: "Metric and label naming" of the Prometheus documentation, and the rules that ``promtool check metrics`` applies
(`promlint` of client_golang).
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final, Literal

Kind = Literal["counter", "gauge", "histogram"]

_NAME: Final = re.compile(r"[a-z_][a-z0-9_]*")
_LABEL: Final = re.compile(r"(?!__)[a-z_][a-z0-9_]*")
_TYPES: Final = ("counter", "gauge", "summary", "histogram")
_ABBREVIATIONS: Final = ("s", "ms", "us", "ns", "sec", "b", "kb", "mb", "gb", "tb", "pb", "m", "h", "d")
_PREFIXES: Final = (
    "",
    *("pico", "nano", "micro", "milli", "centi", "deci", "deca", "hecto"),
    *("kilo", "kibi", "mega", "mibi", "giga", "gibi", "tera", "tebi", "peta", "pebi"),
)
_BASE_UNITS: Final = (
    *("amperes", "bytes", "celsius", "grams", "joules", "kelvin"),
    *("meters", "metres", "moles", "seconds", "volts"),
)
_BASE_OF: Final = {
    **{unit: unit for unit in _BASE_UNITS},
    **dict.fromkeys(("minutes", "hours", "days", "weeks"), "seconds"),
    **dict.fromkeys(("inches", "yards", "miles"), "meters"),
    **dict.fromkeys(("fahrenheit", "rankine"), "celsius"),
    **dict.fromkeys(("pounds", "ounces"), "grams"),
    "kelvins": "kelvin",
    "bits": "bytes",
    "calories": "joules",
}


def problems_of(kind: str, name: str, help: str, labels: Sequence[str]) -> Iterator[str]:
    """The conventions that a metric breaks; `name` is that of its samples, without a histogram's suffixes."""
    yield from _problems_of_form(name, help, labels)
    yield from _problems_of_suffix(kind, name)
    yield from _problems_of_unit(name)
    yield from _problems_of_labels(kind, labels)
    yield from (f"the name includes the type {word!r}" for word in _TYPES if _has_word(name, word))


def _problems_of_form(name: str, help: str, labels: Sequence[str]) -> Iterator[str]:
    if not _NAME.fullmatch(name):
        yield "a name must consist of lower-case letters, digits and underscores, and must not begin with a digit"
    if not help.strip():
        yield "the help text is missing"
    for label in labels:
        if not _LABEL.fullmatch(label):
            yield f"the label {label!r} is not in lower case with underscores, or begins with two of them"


def _problems_of_suffix(kind: str, name: str) -> Iterator[str]:
    if (kind == "counter") is not name.endswith("_total"):
        yield "the names of counters, and only theirs, must end with _total"
    if kind not in ("histogram", "summary") and name.endswith(("_bucket", "_count", "_sum")):
        yield "_bucket, _count and _sum are reserved for histograms"


def _problems_of_unit(name: str) -> Iterator[str]:
    for word in name.split("_"):
        for prefix in _PREFIXES:
            unit = word.removeprefix(prefix)
            base = _BASE_OF.get(unit) if word == prefix + unit else None
            if base is not None and base != word:
                yield f"use the base unit {base!r} instead of {word!r}"
    yield from (f"{word!r} abbreviates a unit" for word in _ABBREVIATIONS if _has_word(name, word))


def _problems_of_labels(kind: str, labels: Sequence[str]) -> Iterator[str]:
    if kind != "histogram" and "le" in labels:
        yield "the label 'le' is reserved for histograms"
    if kind != "summary" and "quantile" in labels:
        yield "the label 'quantile' is reserved for summaries"


def _has_word(name: str, word: str) -> bool:
    """Except at the very beginning, where the word may be the subject of the metric."""
    return f"_{word}_" in name or name.endswith(f"_{word}")
