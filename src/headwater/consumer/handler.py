"""A handler's signature, compiled once into one call: parameters are bound by type.

``tx: Tx``, the event by its class (``event: OrderPlaced``, ``event: OrderPlaced | OrderCancelled``, or a base of them
such as ``Event``), ``delivery: Delivery``. With ``batch=500``, lists: ``events: list[OrderPlaced]`` and
``deliveries: list[Delivery]``.
"""

import inspect
import types
from collections.abc import Awaitable, Callable
from typing import Any, Union, get_args, get_origin, get_type_hints

from headwater.commit import Tx
from headwater.consumer.delivery import Delivery
from headwater.consumer.errors import BadHandler
from headwater.consumer.subscription import Interest, Subscription, table_of

Call = Callable[[Tx, Any], Awaitable[None]]
"""Runs a handler with a transaction and one delivery; with ``batch``, with a list of them."""

Pick = Callable[[Tx, Any], Any]


def compile_handler(subscription: Subscription) -> Call:
    """The call of a subscription's handler; raises `BadHandler` for a parameter that nothing can be bound to."""
    handler = subscription.handler
    if not inspect.iscoroutinefunction(handler):
        raise _bad(subscription, "it is not an async function")
    roles = {name: _role(subscription, name, hint) for name, hint in _hints(subscription).items()}
    _check_kinds(subscription, roles)
    usual = _shape(handler, list(roles.values())) if _all_positional(handler) else None
    return usual or _general(handler, roles)


def _shape(handler: Callable[..., Awaitable[None]], roles: list[Pick]) -> Call | None:
    """The usual signatures, without the loop over their parameters."""
    match roles:
        case [first, second] if first is _tx and second is _event:
            return lambda tx, delivery: handler(tx, delivery.event)
        case [first, second] if first is _event and second is _tx:
            return lambda tx, delivery: handler(delivery.event, tx)
        case [first, second, third] if first is _tx and second is _event and third is _itself:
            return lambda tx, delivery: handler(tx, delivery.event, delivery)
    return None


def _general(handler: Callable[..., Awaitable[None]], roles: dict[str, Pick]) -> Call:
    picks = tuple(roles.items())

    def call(tx: Tx, delivery: Any) -> Awaitable[None]:
        return handler(**{name: pick(tx, delivery) for name, pick in picks})

    return call


def _all_positional(handler: Callable[..., Awaitable[None]]) -> bool:
    parameters = inspect.signature(handler).parameters.values()
    return all(parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD for parameter in parameters)


def _tx(tx: Tx, delivery: Any) -> Any:
    return tx


def _event(tx: Tx, delivery: Any) -> Any:
    return delivery.event


def _events(tx: Tx, deliveries: Any) -> Any:
    return [delivery.event for delivery in deliveries]


def _itself(tx: Tx, delivery: Any) -> Any:
    return delivery


def _hints(subscription: Subscription) -> dict[str, Any]:
    handler = subscription.handler
    try:
        hints = get_type_hints(handler)
    except NameError as error:
        raise _bad(subscription, f"the annotation {error.name!r} cannot be resolved where it is declared") from error
    found = {}
    for name, parameter in inspect.signature(handler).parameters.items():
        if name not in hints:
            raise _bad(subscription, f"the parameter {name!r} has no type")
        if parameter.kind not in (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY):
            raise _bad(subscription, f"the parameter {name!r} cannot be bound by name")
        found[name] = hints[name]
    return found


def _role(subscription: Subscription, name: str, hint: Any) -> Pick:
    if hint is Tx:
        return _tx
    listed = get_args(hint)[0] if get_origin(hint) is list else None
    wanted, each = (listed, "list[…]") if subscription.batch else (hint, "…")
    if wanted is Delivery:
        return _itself
    if wanted is not None and all(_accepts(wanted, interest) for interest in subscription.events):
        return _events if subscription.batch else _event
    names = " | ".join(_name(interest) for interest in subscription.events)
    raise _bad(
        subscription,
        f"nothing can be bound to {name}: {_name(hint)}; it may be a Tx, {each.replace('…', names)} "
        f"or {each.replace('…', 'Delivery')}",
    )


def _check_kinds(subscription: Subscription, roles: dict[str, Pick]) -> None:
    if subscription.batch is not None and subscription.batch < 1:
        raise _bad(subscription, f"batch={subscription.batch} is less than 1")
    picks = list(roles.values())
    if not subscription.events:
        raise _bad(subscription, "it names no event")
    for interest in subscription.events:
        try:
            table_of(interest)
        except TypeError as error:
            raise _bad(subscription, str(error)) from None
    if _event not in picks and _events not in picks and _itself not in picks:
        raise _bad(subscription, "no parameter takes the event")


def _accepts(hint: Any, interest: Interest) -> bool:
    """Whether a parameter of this type can hold what the interest delivers."""
    if hint is Any or hint == interest:
        return True
    if get_origin(hint) in (Union, types.UnionType):
        return any(_accepts(option, interest) for option in get_args(hint))
    delivered = get_origin(interest) or interest
    return isinstance(hint, type) and isinstance(delivered, type) and issubclass(delivered, hint) and hint is not object


def _name(hint: Any) -> str:
    return hint.__name__ if isinstance(hint, type) and not get_args(hint) else str(hint).replace("typing.", "")


def _bad(subscription: Subscription, reason: str) -> BadHandler:
    handler = subscription.handler
    place = f"{getattr(handler, '__module__', '?')}.{getattr(handler, '__qualname__', repr(handler))}"
    return BadHandler(consumer=subscription.name, handler=place, reason=reason)
