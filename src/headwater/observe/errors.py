"""The errors of metrics.

::

    HeadwaterError
     └─ ObserveError
         ├─ MetricInvalid   a metric's name, help or labels break Prometheus's conventions
         ├─ MetricClash     one name is declared as two different metrics
         ├─ LabelsMismatch  an instrument was requested with too few or too many label values
         ├─ SheetFull       the process has too many series
         ├─ FolderBusy      the shared folder stayed locked
         └─ PortUnusable    the metrics cannot be served at the configured address
"""

from headwater.errors import HeadwaterError


class ObserveError(HeadwaterError):
    """Metrics cannot be declared, counted or served."""


class MetricInvalid(ObserveError):
    """The metric {name!r} cannot be declared: {reason}."""


class MetricClash(ObserveError):
    """The metric {name!r} is declared as {first} and as {second}."""


class LabelsMismatch(ObserveError):
    """The metric {name!r} has the labels {labels}, not {count} of them."""


class SheetFull(ObserveError):
    """All {values} values of this process's metrics are in use; a label has too many values."""


class FolderBusy(ObserveError):
    """{folder} stayed locked for {seconds:g} seconds, so its measurements could not be read."""


class PortUnusable(ObserveError):
    """Metrics cannot be served at {host}, port {port}: {reason}. Choose another with HEADWATER_METRICS_PORT; 0 serves
    none."""
