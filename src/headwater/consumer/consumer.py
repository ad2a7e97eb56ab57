"""A running consumer: a registered name, and a subscription compiled for it."""

from collections.abc import Sequence

from headwater.clock import Clock
from headwater.commit import Origin, Tx
from headwater.consumer.delivery import Delivery
from headwater.consumer.handler import Call
from headwater.consumer.limits import DEAD_GRACE, SERVER_GRACE, Limits
from headwater.consumer.reader import LogReader
from headwater.consumer.subscription import Subscription
from headwater.consumer.throttle import Throttle
from headwater.db import Connection


class Consumer:
    """What all lanes of one consumer share. A replay has another `name` than its subscription."""

    __slots__ = (
        "_clock",
        "_origin",
        "call",
        "dead_after",
        "name",
        "reader",
        "server_limit",
        "subscription",
        "throttle",
    )

    def __init__(self, name: str, subscription: Subscription, call: Call, clock: Clock, limits: Limits) -> None:
        self.name = name
        self.subscription = subscription
        self.call = call
        self.reader = LogReader(name, subscription)
        self.server_limit = f"{(subscription.timeout + SERVER_GRACE) * 1000:.0f}ms"
        self.dead_after = subscription.timeout + DEAD_GRACE
        self.throttle = Throttle(limits.entries, clock.monotonic)
        self._clock = clock
        self._origin = Origin(app=subscription.app, command=name)

    def transaction(self, connection: Connection, delivery: Delivery) -> Tx:
        """The transaction for one delivery. Events that the handler emits continue the trace of the delivered one."""
        envelope = delivery.envelope
        return self._transaction(connection, None if envelope is None else envelope.continued)

    def transaction_for_all(self, connection: Connection, deliveries: Sequence[Delivery]) -> Tx:
        """The same for a batch. The trace continues if the batch has only one."""
        traces = {delivery.envelope.continued for delivery in deliveries if delivery.envelope is not None}
        return self._transaction(connection, traces.pop() if len(traces) == 1 else None)

    def _transaction(self, connection: Connection, traceparent: str | None) -> Tx:
        origin = self._origin
        if traceparent is not None:
            origin = Origin(app=origin.app, command=origin.command, traceparent=traceparent)
        return Tx(connection, origin, self._clock)
