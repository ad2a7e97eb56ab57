"""The meter: metrics of requests, per route and not per path, so clients cannot create label values.

============================================  =========  ============================================
``headwater_http_requests_total``             counter    method, route, status (``2xx`` …)
``headwater_http_request_duration_seconds``   histogram  method, route
``headwater_http_failures_total``             counter    method, route, exception: answered with 500
``headwater_http_shed_total``                 counter    reason: refused at the door, with 503
``headwater_http_concurrency_refusals_total`` counter    method, route: over `concurrency`, answered with 503
``headwater_http_deadline_misses_total``      counter    method, route: stopped at the deadline, with 504
``headwater_http_requests_in_flight``         gauge
============================================  =========  ============================================

If the API has versions, each metric with the label `route` also has the label `version`.

A path without a route counts as ``unmatched``, a mounted application as its prefix, a disconnected client as 4xx.
"""

from bisect import bisect_left
from typing import Final, Protocol

from headwater.http.load.refusal import Shed
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


class Metered(Protocol):
    """Something whose requests are counted: a route, a mount. `series` is the index of its first value.

    `quiet`: a success is not in the access log. `fields` go with every response; if it is `overridable`, a response may
    replace some of them.
    """

    @property
    def label(self) -> str: ...

    @property
    def labels(self) -> "Labels": ...

    @property
    def series(self) -> int: ...

    @property
    def quiet(self) -> bool: ...

    @property
    def fields(self) -> Fields: ...

    @property
    def overridable(self) -> bool: ...


Labels = tuple[str, str, str]
"""Method, route and version, as `_LABELS` names them."""


def labels_of(method: str, label: str, version: str | None = None) -> Labels:
    """The labels of a route; unknown methods share the label ``other``."""
    return method if method in _METHODS else "other", label, version or ""


class Meter:
    """Counts in the values of `metrics`. The counters of a route's five status classes precede its histogram."""

    def __init__(self, metrics: Metrics) -> None:
        self.values = metrics.values
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

    def register(self, labels: Labels) -> int:
        """The index of the first value under these labels. The values are consecutive; if the disk has no space for
        all, they are values that are not read."""
        indexes = [self._requests.of(*labels, status).index for status in _STATUSES]
        indexes.append(self._durations.of(*labels).index)
        first = min(indexes)  # which is `UNSEEN` if one of them is
        assert first == UNSEEN or indexes[-1] == first + _HISTOGRAM, "other metrics were declared in between"
        return first

    def count(self, series: int, status: int, seconds: float) -> None:
        """Count one request."""
        values = self.values
        values[series + status // 100 - 1] += 1
        values[series + _HISTOGRAM + bisect_left(BOUNDS, seconds)] += 1
        values[series + _SUM] += seconds

    def count_refusal(self, counted: Metered, refused: Shed) -> None:
        """Count one request that was refused under load."""
        if refused.reason == "concurrency":
            self._refusals.of(*counted.labels).add()
        else:
            self._shed.of(refused.reason).add()

    def count_miss(self, counted: Metered) -> None:
        """Count one request that was cancelled at its deadline."""
        self._misses.of(*counted.labels).add()

    def count_failure(self, counted: Metered, error: Exception) -> None:
        """Count one request that ended in an unexpected exception."""
        self._failures.of(*counted.labels, type(error).__name__).add()
