"""Log events and metrics."""

from headwater.observe.instrument import Counter, Family, Gauge, Histogram
from headwater.observe.metrics import Metrics
from headwater.observe.occurrence import Level, Occurrence, listen, report, subscribe

__all__ = [
    "Counter",
    "Family",
    "Gauge",
    "Histogram",
    "Level",
    "Metrics",
    "Occurrence",
    "listen",
    "report",
    "subscribe",
]
