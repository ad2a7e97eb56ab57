"""Named occurrences; logs, metrics and traces subscribe to them."""

from headwater.observe.metrics import Metrics
from headwater.observe.occurrence import Level, Occurrence, report, subscribe

__all__ = ["Level", "Metrics", "Occurrence", "report", "subscribe"]
