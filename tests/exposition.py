"""What is exposed to Prometheus, read as Prometheus reads it."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from prometheus_client import Metric
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text

from headwater.observe.naming import problems_of

Samples = dict[str, float]

read_openmetrics: Final[Callable[[str], Iterable[Metric]]] = openmetrics.text_string_to_metric_families


def samples(text: str) -> Samples:
    """Every sample by its name and labels, as they are written."""
    lines = (line for line in text.splitlines() if line and not line.startswith("#"))
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def faults(text: str) -> list[str]:
    """What ``promtool check metrics`` would say: bad names, no help, series that come twice."""
    return [*_faults_of_families(text), *_doubled(text)]


def check_openmetrics(text: str) -> None:
    """Raises `ValueError` for what is no OpenMetrics."""
    assert list(read_openmetrics(text))


def _faults_of_families(text: str) -> Iterator[str]:
    written = {line.split()[2] for line in _type_lines(text)}
    for family in read_text(text):  # which takes the suffix of a counter away
        name = family.name if family.name in written else f"{family.name}_total"
        labels = sorted({label for sample in family.samples for label in sample.labels})
        yield from (f"{name}: {fault}" for fault in problems_of(family.type, name, family.documentation, labels))


def _type_lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("# TYPE ")]


def _doubled(text: str) -> Iterator[str]:
    heads = Counter(_type_lines(text))
    series = Counter(
        (sample.name, *sorted(sample.labels.items())) for family in read_text(text) for sample in family.samples
    )
    yield from (f"{each} comes twice" for counts in (heads, series) for each, count in counts.items() if count > 1)
