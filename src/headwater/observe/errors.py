"""What can go wrong with observing.

::

    HeadwaterError
     └─ ObserveError
         ├─ MetricInvalid   a metric's name, help or labels break the conventions of Prometheus
         ├─ MetricClash     one name was declared as two different metrics
         ├─ LabelsMismatch  a series was asked for with too few or too many label values
         ├─ SheetFull       there is no room for another series
         ├─ FolderBusy      the shared folder stayed locked
         └─ PortUnusable    the metrics cannot be served where they should be
"""

from headwater.errors import HeadwaterError


class ObserveError(HeadwaterError):
    """What happens cannot be observed."""


class MetricInvalid(ObserveError):
    """The metric {name!r} cannot be declared: {reason}."""


class MetricClash(ObserveError):
    """The metric {name!r} is declared as {first} and as {second}."""


class LabelsMismatch(ObserveError):
    """The metric {name!r} has the labels {labels}, not {count} of them."""


class SheetFull(ObserveError):
    """All {slots} slots for measurements are taken; some label has too many values."""


class FolderBusy(ObserveError):
    """{folder} stayed locked for {seconds:g} seconds, so its measurements could not be read."""


class PortUnusable(ObserveError):
    """Metrics cannot be served at {host}, port {port}: {reason}. Choose another with HEADWATER_METRICS_PORT; 0 serves
    none."""
