"""The errors of consumers.

::

    HeadwaterError
     └─ ConsumerError
         ├─ BadHandler            a handler's signature does not fit its subscription
         ├─ UnknownColumn         `old` names a column that no followed row has
         ├─ UnknownConsumer       no consumer of that name is registered
         ├─ ConsumerExists        the name of a replay is taken
         ├─ PositionExpired       the log no longer goes back so far
         ├─ Unreadable            an entry does not fit its event class: it counts as its failure
         ├─ TooNew                an entry needs newer code: the partition stops (guarantee G10)
         ├─ HandlerTimeout        a handler took longer than it may
         ├─ HandlerCancelled      a handler let a cancellation escape that was its own
         ├─ WatermarkLost         the watermark moved while it was locked, which must not happen
         ├─ NotSettled            consumers did not reach the head in time
         └─ KeysParked            consumers reached the head with keys parked
"""

from headwater.binding.errors import HandlerError
from headwater.errors import HeadwaterError


class ConsumerError(HeadwaterError):
    """A consumer cannot go on."""


class BadHandler(ConsumerError, HandlerError):
    """The consumer {consumer!r} cannot run {handler}: {reason}."""


class UnknownColumn(ConsumerError):
    """The consumer {consumer!r} declares old={column!r}, which no row that it follows has. They have: {known}."""


class UnknownConsumer(ConsumerError):
    """No consumer is called {consumer!r}. The consumers are: {known}."""


class ConsumerExists(ConsumerError):
    """The consumer {consumer!r} exists already. Remove it with `headwater log forget`, or choose another name."""


class PositionExpired(ConsumerError):
    """The log no longer has {position}; its oldest entry is {oldest}."""


class Unreadable(ConsumerError):
    """The entry at {position} does not match {kind} as this code declares it: {reason}."""


class TooNew(ConsumerError):
    """The entry at {position} needs newer code: {reason}."""


class HandlerTimeout(ConsumerError):
    """The handler did not return within {seconds:g} seconds."""


class HandlerCancelled(ConsumerError):
    """The handler let a cancellation of something it had started escape."""


class WatermarkLost(ConsumerError):
    """The watermark of {consumer!r} in partition {partition} moved while it was locked."""


class NotSettled(ConsumerError):
    """After {seconds:g} seconds these consumers have not applied everything up to {position}: {behind}."""


class KeysParked(ConsumerError):
    """Keys are parked, because their retries are used up:

    {causes}
    """
