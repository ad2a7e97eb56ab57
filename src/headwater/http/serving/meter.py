"""The meter: what is counted about requests, per route and never per path, so that nobody can flood it with names.

============================================  =========  ============================================
``headwater_http_requests_total``             counter    method, route, status (``2xx`` …)
``headwater_http_request_duration_seconds``   histogram  method, route
``headwater_http_failures_total``             counter    method, route, exception: answered with 500
``headwater_http_shed_total``                 counter    reason: refused at the door, with 503
``headwater_http_concurrency_refusals_total`` counter    method, route: over `concurrency`, answered with 503
``headwater_http_deadline_misses_total``      counter    method, route: stopped at the deadline, with 504
``headwater_http_requests_in_flight``         gauge
============================================  =========  ============================================

Where the API has versions, each with the label `route` has the label `version`, too.

A path without a route counts as ``unmatched``, a mounted application as its prefix, and a client that went away as 4xx.
"""

from bisect import bisect_left
from typing import Final, Protocol

from headwater.http.load.refusal import Refused
from headwater.http.message.answer import Fields
from headwater.observe import Metrics
from headwater.observe.sheet import UNSEEN

BOUNDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of the histogram's buckets, in seconds."""

_LABELS: Final = ("method", "route", "version")
_STATUSES: Final = ("1xx", "2xx", "3xx", "4xx", "5xx")
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_HISTOGRAM: Final = len(_STATUSES)
_SUM: Final = _HISTOGRAM + len(BOUNDS) + 1


class Counted(Protocol):
    """What requests are counted as, from `slot` on. `quiet`: no access line on success. `fields` go with every answer;
    if it is `free`, an answer may bring some of them itself."""

    @property
    def label(self) -> str: ...

    @property
    def labels(self) -> "Labels": ...

    @property
    def slot(self) -> int: ...

    @property
    def quiet(self) -> bool: ...

    @property
    def fields(self) -> Fields: ...

    @property
    def free(self) -> bool: ...


Labels = tuple[str, str, str]
"""Method, route and version, as `_LABELS` names them."""


def labels_of(method: str, label: str, version: str | None = None) -> Labels:
    """Methods that no route can have share theirs."""
    return method if method in _METHODS else "other", label, version or ""


class Meter:
    """Counts in the slots of `metrics`. The five status classes of a route lie before its histogram, in one run."""

    def __init__(self, metrics: Metrics) -> None:
        self.slots = metrics.values
        self.in_flight = metrics.gauge("headwater_http_requests_in_flight", "Requests being answered.").index
        self._requests = metrics.counter(
            "headwater_http_requests_total", "Requests answered.", (*_LABELS, "status"), sparse=True
        )
        self._durations = metrics.histogram(
            "headwater_http_request_duration_seconds", "Seconds from request to answer.", BOUNDS, _LABELS, sparse=True
        )
        self._failures = metrics.counter(
            "headwater_http_failures_total", "Requests answered with 500.", (*_LABELS, "exception")
        )
        self._shed = metrics.counter("headwater_http_shed_total", "Requests refused under load.", ("reason",))
        self._refusals = metrics.counter(
            "headwater_http_concurrency_refusals_total", "Requests over the concurrency of their route.", _LABELS
        )
        self._misses = metrics.counter(
            "headwater_http_deadline_misses_total", "Requests stopped at their deadline.", _LABELS
        )

    def place(self, labels: Labels) -> int:
        """The first slot of what is counted under these labels: a run of them, or those that nobody reads if the disk
        has no room for some of it."""
        slots = [self._requests.of(*labels, status).index for status in _STATUSES]
        slots.append(self._durations.of(*labels).index)
        first = min(slots)  # which is `UNSEEN` if one of them is
        assert first == UNSEEN or slots[-1] == first + _HISTOGRAM, "declared by somebody in between"
        return first

    def count(self, slot: int, status: int, seconds: float) -> None:
        """Add one request."""
        slots = self.slots
        slots[slot + status // 100 - 1] += 1
        slots[slot + _HISTOGRAM + bisect_left(BOUNDS, seconds)] += 1
        slots[slot + _SUM] += seconds

    def count_refusal(self, counted: Counted, refused: Refused) -> None:
        """Add one request that there was no room for."""
        if refused.reason == "concurrency":
            self._refusals.of(*counted.labels).add()
        else:
            self._shed.of(refused.reason).add()

    def count_miss(self, counted: Counted) -> None:
        """Add one request that was stopped at its deadline."""
        self._misses.of(*counted.labels).add()

    def count_failure(self, counted: Counted, error: Exception) -> None:
        """Add one request that ended in an exception that nobody expected."""
        self._failures.of(*counted.labels, type(error).__name__).add()
