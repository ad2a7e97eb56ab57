"""Consumers: whoever follows the log and applies it to this database, exactly once in effect."""

from headwater.consumer.aside import Aside, drop, in_retry, parked, retry_now
from headwater.consumer.delivery import Delivery
from headwater.consumer.errors import (
    BadHandler,
    ConsumerError,
    ConsumerExists,
    HandlerCancelled,
    HandlerTimeout,
    KeysParked,
    NotSettled,
    PositionForgotten,
    TooNew,
    UnknownConsumer,
    Unreadable,
    WatermarkLost,
)
from headwater.consumer.lag import Lag, lag, settled
from headwater.consumer.layout import repartition
from headwater.consumer.limits import Limits
from headwater.consumer.occurrences import (
    BatchInterrupted,
    ConsumerForgotten,
    ConsumerRegistered,
    ConsumerResumed,
    ConsumerStopped,
    ConsumerWithoutCode,
    EventFailed,
    EventsApplied,
    HandlerAbandoned,
    KeyParked,
    KeyRecovered,
    LayoutSwitched,
    WorkerInterrupted,
)
from headwater.consumer.registry import Registered, forget, register, registered_consumers, replay
from headwater.consumer.subscription import Interest, Subscription, tables_of
from headwater.consumer.worker import Worker, run_consumers

__all__ = [
    "Aside",
    "BadHandler",
    "BatchInterrupted",
    "ConsumerError",
    "ConsumerExists",
    "ConsumerForgotten",
    "ConsumerRegistered",
    "ConsumerResumed",
    "ConsumerStopped",
    "ConsumerWithoutCode",
    "Delivery",
    "EventFailed",
    "EventsApplied",
    "HandlerAbandoned",
    "HandlerCancelled",
    "HandlerTimeout",
    "Interest",
    "KeyParked",
    "KeyRecovered",
    "KeysParked",
    "Lag",
    "LayoutSwitched",
    "Limits",
    "NotSettled",
    "PositionForgotten",
    "Registered",
    "Subscription",
    "TooNew",
    "UnknownConsumer",
    "Unreadable",
    "WatermarkLost",
    "Worker",
    "WorkerInterrupted",
    "drop",
    "forget",
    "in_retry",
    "lag",
    "parked",
    "register",
    "registered_consumers",
    "repartition",
    "replay",
    "retry_now",
    "run_consumers",
    "settled",
    "tables_of",
]
