"""The folder in which the processes of one state folder share their metrics."""

from pathlib import Path
from typing import ClassVar

from headwater.observe.metrics import Metrics
from headwater.observe.occurrence import Level, Occurrence, report


class MetricsUnshared(Occurrence, frozen=True, kw_only=True):
    """A process cannot write its metrics to the shared folder, so they are missing from scrapes. The process itself
    goes on."""

    level: ClassVar[Level] = "warning"
    process: str
    reason: str


def join_metrics(process: str, home: Path) -> Metrics:
    """The metrics of `process`, shared with the other processes of `home`."""
    try:
        return Metrics(process, home / "run" / "metrics")
    except OSError as error:
        report(MetricsUnshared(process=process, reason=error.strerror or str(error)))
        return Metrics(process)
