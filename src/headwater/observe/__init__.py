"""Named occurrences; logs, metrics and traces subscribe to them."""

from headwater.observe.occurrence import Occurrence, report, subscribe

__all__ = ["Occurrence", "report", "subscribe"]
