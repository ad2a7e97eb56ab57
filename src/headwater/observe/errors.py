"""What can go wrong with observing."""

from headwater.errors import HeadwaterError


class ObserveError(HeadwaterError):
    """What happens cannot be observed."""
