"""The folder in which the processes of one state folder share what they count."""

from pathlib import Path
from typing import ClassVar

from headwater.observe.metrics import Metrics
from headwater.observe.occurrence import Level, Occurrence, report


class MetricsUnshared(Occurrence, frozen=True, kw_only=True):
    """A process cannot write to the folder, so what it counts is in no scrape. It does its work all the same."""

    level: ClassVar[Level] = "warning"
    process: str
    reason: str


def join_metrics(process: str, home: Path) -> Metrics:
    """The metrics of `process`, where the others of `home` find them."""
    try:
        return Metrics(process, home / "run" / "metrics")
    except OSError as error:
        report(MetricsUnshared(process=process, reason=error.strerror or str(error)))
        return Metrics(process)
