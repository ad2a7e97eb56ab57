"""Everything that can be wrong with a consumer.

::

    HeadwaterError
     └─ ConsumerError
         ├─ BadHandler            a handler's signature does not fit its subscription
         ├─ UnknownColumn         old values are declared of a column that no followed row has
         ├─ UnknownConsumer       no consumer of that name is registered
         ├─ ConsumerExists        the name of a replay is taken
         ├─ PositionExpired     the log no longer goes back so far
         ├─ Unreadable            an entry does not fit its event class: the entry's fault
         ├─ TooNew                an entry needs newer code: the partition stops (guarantee G10)
         ├─ HandlerTimeout        a handler took longer than it may
         ├─ HandlerCancelled      a handler let a cancellation of its own escape
         ├─ WatermarkLost         the watermark moved under its own lock: impossible, so it stops the transaction
         ├─ NotSettled            consumers did not come up to the head in time
         └─ KeysParked            consumers came up to the head with keys parked
"""

from headwater.binding.errors import HandlerError
from headwater.errors import HeadwaterError


class ConsumerError(HeadwaterError):
    """A consumer cannot go on."""


class BadHandler(ConsumerError, HandlerError):
    """The consumer {consumer!r} cannot run {handler}: {reason}."""


class UnknownColumn(ConsumerError):
    """The consumer {consumer!r} wants old={column!r}, and no row that it follows has that field. They have: {known}."""


class UnknownConsumer(ConsumerError):
    """No consumer is called {consumer!r}. There are: {known}."""


class ConsumerExists(ConsumerError):
    """There is a consumer called {consumer!r} already; `headwater log forget` removes it."""


class PositionExpired(ConsumerError):
    """The log no longer goes back to {position}: what it still holds begins at {oldest}."""


class Unreadable(ConsumerError):
    """The entry at {position} is no {kind} as this code declares it: {reason}."""


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
    """Keys were set aside with their retries used up:

    {causes}
    """
