"""A consumer as it runs: a registered name, and a subscription compiled for it."""

from headwater.commit import Origin
from headwater.consumer.handler import compile_handler
from headwater.consumer.limits import IDLE_IN_TRANSACTION_GRACE
from headwater.consumer.reader import Reader
from headwater.consumer.subscription import Subscription


class Consumer:
    """What all lanes of one consumer share. A replay has another `name` than its subscription."""

    __slots__ = ("call", "idle_limit", "name", "origin", "reader", "subscription")

    def __init__(self, name: str, subscription: Subscription) -> None:
        self.name = name
        self.subscription = subscription
        self.reader = Reader(name, subscription)
        self.call = compile_handler(subscription)
        self.origin = Origin(app=subscription.app, command=name)
        self.idle_limit = f"{(subscription.timeout + IDLE_IN_TRANSACTION_GRACE) * 1000:.0f}ms"
