"""Usage: which principals still use a deprecated version.

``headwater_http_deprecated_requests_total`` counts by version and principal. The first `PRINCIPALS` principals of a
version have label values of their own, the rest are ``other``, so the number of series is bounded; requests without a
principal are ``anonymous``. A `DeprecatedVersionUsed` is reported for each of these once a day and process.
"""

from datetime import date
from typing import ClassVar, Final

from headwater.clock import Clock
from headwater.http.message.principal import Principal
from headwater.observe import Level, Metrics, Occurrence, report

PRINCIPALS: Final = 100

_ANONYMOUS: Final = "anonymous"
_OTHER: Final = "other"


class DeprecatedVersionUsed(Occurrence, frozen=True, kw_only=True):
    """A principal uses a deprecated version; reported once a day for each. `route` is the route of that request."""

    level: ClassVar[Level] = "info"
    version: str
    principal: str
    route: str
    request_id: str


class Usage:
    """Of one deprecated version."""

    def __init__(self, version: str, metrics: Metrics, clock: Clock) -> None:
        self._version = version
        self._requests = metrics.counter(
            "headwater_http_deprecated_requests_total",
            "Requests to deprecated versions of the API.",
            ("version", "principal"),
        )
        self._clock = clock
        self._names: set[str] = set()
        self._told: dict[str, date] = {}

    def add(self, principal: Principal | None, route: str, request_id: str) -> None:
        """Count a request."""
        name = principal.id if principal is not None else _ANONYMOUS
        if name not in self._names and len(self._names) >= PRINCIPALS:
            name = _OTHER
        self._names.add(name)
        self._requests.of(self._version, name).add()
        today = self._clock.now().date()
        if self._told.get(name) != today:
            self._told[name] = today
            report(DeprecatedVersionUsed(version=self._version, principal=name, route=route, request_id=request_id))
