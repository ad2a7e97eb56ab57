"""The exposition: the measurements of all processes in Prometheus's format.

The text is always valid: each family has one type and one help text, and each series appears once. Where the counts of
an older release contradict the declarations of the present one, the present ones win.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from headwater.observe.sheet import MetricsSnapshot, SeriesValues, add_up

if TYPE_CHECKING:
    from prometheus_client.core import Metric

_Labels = dict[str, str]


def expose(snapshot: MetricsSnapshot, accept: str) -> tuple[str, bytes]:
    """Content type and text, as an `Accept` header wishes: Prometheus's text or OpenMetrics."""
    from prometheus_client import CollectorRegistry
    from prometheus_client.exposition import choose_encoder

    registry = CollectorRegistry()
    registry.register(_Collector(snapshot))
    encode, content_type = choose_encoder(accept)
    return content_type, encode(registry)


class _Collector:
    """A collector of prometheus-client."""

    def __init__(self, snapshot: MetricsSnapshot) -> None:
        self._snapshot = snapshot

    def describe(self) -> list["Metric"]:
        return []  # nothing is fixed in advance

    def collect(self) -> Iterable["Metric"]:
        yield from _families(filter(_shows, add_up(self._snapshot.readings)))
        yield from _process_families(_numbered(self._snapshot.processes))


def _shows(reading: SeriesValues) -> bool:
    return not reading.series.sparse or any(reading.values)


def _families(readings: Iterable[SeriesValues]) -> Iterable["Metric"]:
    """Ended processes come first in `readings`, so the last of a family, and of a series, is the newest."""
    from prometheus_client.core import Metric

    newest = list({(each.series.name, *sorted(each.series.labels.items())): each for each in readings}.values())
    kinds = {each.series.name: each.series for each in newest}
    families = {series.name: Metric(series.name, series.help, series.kind) for series in kinds.values()}
    for reading in newest:
        series = reading.series
        if series.kind == kinds[series.name].kind:
            for suffix, labels, value in _samples(reading):
                families[series.name].add_sample(series.name + suffix, {**series.labels, **labels}, value)
    return families.values()


def _samples(reading: SeriesValues) -> Iterable[tuple[str, _Labels, float]]:
    if reading.series.kind != "histogram":
        yield "_total" if reading.series.kind == "counter" else "", {}, reading.values[0]
        return
    *counts, total = reading.values
    for bound, count in _cumulate(reading.series.bounds, counts):
        yield "_bucket", {"le": bound}, count
    yield "_count", {}, sum(counts)
    yield "_sum", {}, total


def _cumulate(bounds: Sequence[float], counts: Sequence[float]) -> list[tuple[str, float]]:
    buckets, so_far = [], 0.0
    for bound, count in zip((*(str(float(each)) for each in bounds), "+Inf"), counts, strict=True):
        so_far += count
        buckets.append((bound, so_far))
    return buckets


def _numbered(processes: Mapping[int, str]) -> dict[int, str]:
    """Number the processes that have the same name, in the order of their pids."""
    names, seen = Counter(processes.values()), Counter[str]()
    numbered = {}
    for pid, name in sorted(processes.items()):
        seen[name] += 1
        numbered[pid] = f"{name} {seen[name]}" if names[name] > 1 else name
    return numbered


def _process_families(processes: Mapping[int, str]) -> Iterable["Metric"]:
    """prometheus-client's own process metrics, once for each running process, with the label `process`."""
    from prometheus_client import ProcessCollector

    families: dict[str, Metric] = {}
    for pid, process in processes.items():
        for found in ProcessCollector(pid=lambda pid=pid: pid, registry=None).collect():  # type: ignore[misc]
            samples = [s._replace(labels={**s.labels, "process": process}) for s in found.samples]
            known = families.setdefault(found.name, found)
            known.samples = samples if known is found else [*known.samples, *samples]
    return families.values()
