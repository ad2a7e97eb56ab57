"""The verb of consumers: the decorator that records a subscription."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Literal, TypeVar

from headwater.backoff import Backoff
from headwater.consumer.subscription import Interest, Subscription
from headwater.part import Declarations, Part

Handler = TypeVar("Handler", bound=Callable[..., Awaitable[Any]])


class ConsumerVerbs(Part):
    """Records what an app does with the log."""

    @property
    def subscriptions(self) -> list[Subscription]:
        """The consumers declared so far."""
        return Declarations([self]).of(Subscription)

    def on(
        self,
        *events: Interest,
        name: str | None = None,
        batch: int | None = None,
        retries: int = 8,
        backoff: Backoff = Backoff(),  # noqa: B008 - frozen
        timeout: float = 30.0,
        start: Literal["start", "latest"] = "start",
        old: Sequence[str] = (),
    ) -> Callable[[Handler], Handler]:
        """Apply every such event to this database exactly once, in order per key.

        `name` is what the consumer's progress is stored under, by default the function's; renaming it starts anew.
        With `batch` the handler receives up to that many events at once, as a list in the order of the log. An event
        that fails is tried `retries` times more, after the waits of `backoff`, and then parked with its key; a call
        that takes longer than `timeout` seconds has failed. A new consumer reads the whole log; with
        ``start="latest"``, what comes from now on. `old` names columns of followed rows: `Changed.old` says what they
        were before, where the table's replica identity logs it.
        """

        def record(handler: Handler) -> Handler:
            self.declare(
                Subscription(
                    name=f"{self.name}.{name or _name_of(handler)}",
                    app=self.name,
                    events=events,
                    handler=handler,
                    batch=batch,
                    retries=retries,
                    backoff=backoff,
                    timeout=timeout,
                    start=start,
                    old=tuple(old),
                )
            )
            return handler

        return record


def _name_of(handler: Callable[..., Any]) -> str:
    return getattr(handler, "__name__", type(handler).__name__)
