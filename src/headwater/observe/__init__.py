"""Named occurrences; logs, metrics and traces subscribe to them."""

from headwater.observe.metrics import Metrics
from headwater.observe.occurrence import Occurrence, report, subscribe

__all__ = ["Metrics", "Occurrence", "report", "subscribe"]
