"""A handler of consumers, compiled once into one call: parameters are bound by type.

``tx: Tx``, the event by its class (``event: OrderPlaced``, ``event: OrderPlaced | OrderCancelled``, or a base of them
such as ``Event``), ``delivery: Delivery``, and whatever the parts of the backend provide. With ``batch=500``, lists:
``events: list[OrderPlaced]`` and ``deliveries: list[Delivery]``.
"""

import inspect
import types
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from typing import Any, NoReturn, Union, get_args, get_origin

from headwater.binding import NotAsync, Parameter, Provided, Providers, Services, Site, read_parameters
from headwater.binding.function import filling
from headwater.binding.provider import Making
from headwater.binding.signature import by_position, written
from headwater.commit import Tx
from headwater.consumer.delivery import Delivery
from headwater.consumer.errors import BadHandler
from headwater.consumer.subscription import Interest, Subscription, table_of
from headwater.part import Declarations

Call = Callable[[Tx, Any], Awaitable[None]]
"""Runs a handler with a transaction and one delivery; with ``batch``, with a list of them."""

Pick = Callable[[Tx, Any], Any]
Fill = Callable[[Tx, Making], Awaitable[Any]]

NOTHING_PROVIDED = Providers(Declarations())


class Batch:
    """The context of a handler that takes a batch; types that are provided per delivery do not fit it."""


class Handler:
    """A subscription's handler before resources are opened; `uses` are the resources that it needs."""

    def __init__(self, subscription: Subscription, providers: Providers = NOTHING_PROVIDED) -> None:
        """Raises a `HandlerError` for a parameter that cannot be bound, and `BadHandler` for anything else."""
        if not inspect.iscoroutinefunction(subscription.handler):
            raise NotAsync(subject=subscription, handler=subscription.location)
        _check_events(subscription)
        context = Delivery if subscription.batch is None else Batch
        self._handler = subscription.handler
        self._parameters = read_parameters(subscription)
        site = Site(subscription, context, providers)
        self._roles = [_role(subscription, site, parameter) for parameter in self._parameters]
        _check_roles(subscription, self._roles)
        provided = [each for each in self._roles if isinstance(each, Provided)]
        self.uses: frozenset[type] = frozenset().union(*(each.uses for each in provided))

    def link(self, services: Services) -> Call:
        """Link it with the open resources, ready for deliveries."""
        usual = _usual(self._handler, self._parameters, self._roles)
        if usual is not None:
            return usual
        function = by_position(self._handler, self._parameters)
        if any(isinstance(role, Provided) and role.make is not None for role in self._roles):
            return _made(function, [_filling(role, services) for role in self._roles])
        return _picked(function, [_pick(role, services) for role in self._roles])


def _usual(
    handler: Callable[..., Awaitable[None]], parameters: Sequence[Parameter], roles: Sequence[Pick | Provided]
) -> Call | None:
    """The usual signatures, without the loop over their parameters."""
    if any(parameter.keyword_only for parameter in parameters):
        return None
    match roles:
        case [first, second] if first is _tx and second is _event:
            return lambda tx, delivery: handler(tx, delivery.event)
        case [first, second] if first is _event and second is _tx:
            return lambda tx, delivery: handler(delivery.event, tx)
        case [first, second, third] if first is _tx and second is _event and third is _itself:
            return lambda tx, delivery: handler(tx, delivery.event, delivery)
    return None


def _picked(function: Callable[..., Awaitable[None]], picks: Sequence[Pick]) -> Call:
    def call(tx: Tx, delivery: Any) -> Awaitable[None]:
        return function(*[pick(tx, delivery) for pick in picks])

    return call


def _made(function: Callable[..., Awaitable[None]], fillings: Sequence[Fill]) -> Call:
    """The same where values are created before each call and closed after it."""

    async def call(tx: Tx, delivery: Any) -> None:
        async with AsyncExitStack() as closing:
            making = Making(delivery, closing)
            await function(*[await fill(tx, making) for fill in fillings])

    return call


def _pick(role: Pick | Provided, services: Services) -> Pick:
    if not isinstance(role, Provided):
        return role
    assert role.bind is not None
    bind = role.bind(services)
    return lambda tx, delivery: bind(delivery)


def _filling(role: Pick | Provided, services: Services) -> Fill:
    if isinstance(role, Provided):
        make = filling(role, services)
        return lambda tx, making: make(making)
    return _picking(role)


def _picking(pick: Pick) -> Fill:
    async def fill(tx: Tx, making: Making) -> Any:
        return pick(tx, making.context)

    return fill


def _tx(tx: Tx, delivery: Any) -> Any:
    return tx


def _event(tx: Tx, delivery: Any) -> Any:
    return delivery.event


def _events(tx: Tx, deliveries: Any) -> Any:
    return [delivery.event for delivery in deliveries]


def _itself(tx: Tx, delivery: Any) -> Any:
    return delivery


def _role(subscription: Subscription, site: Site, parameter: Parameter) -> Pick | Provided:
    hint = parameter.annotation
    if hint is Tx:
        return _tx
    listed = get_args(hint)[0] if get_origin(hint) is list else None
    wanted = listed if subscription.batch else hint
    if wanted is Delivery:
        return _itself
    if wanted is not None and all(_accepts(wanted, interest) for interest in subscription.events):
        return _events if subscription.batch else _event
    provided: Provided | None = site.providers.provided(site, parameter)
    if provided is None:
        _refuse(subscription, site, parameter)
    return provided


def _refuse(subscription: Subscription, site: Site, parameter: Parameter) -> NoReturn:
    form = "list[{}]" if subscription.batch else "{}"
    names = " | ".join(written(interest) for interest in subscription.events)
    event, delivery = form.format(names), form.format("Delivery")
    site.unbound(parameter, f"It may be a Tx, {event}, {delivery}, or a type that is provided.")


def _check_events(subscription: Subscription) -> None:
    if subscription.batch is not None and subscription.batch < 1:
        raise _bad(subscription, f"batch={subscription.batch} is less than 1")
    if not subscription.events:
        raise _bad(subscription, "it names no event")
    for interest in subscription.events:
        try:
            table_of(interest)
        except TypeError as error:
            raise _bad(subscription, str(error)) from None


def _check_roles(subscription: Subscription, roles: Sequence[Pick | Provided]) -> None:
    if not any(role in (_event, _events, _itself) for role in roles if not isinstance(role, Provided)):
        raise _bad(subscription, "no parameter takes the event")


def _accepts(hint: Any, interest: Interest) -> bool:
    """Whether a parameter of this type can hold what the interest delivers."""
    if hint is Any or hint == interest:
        return True
    if get_origin(hint) in (Union, types.UnionType):
        return any(_accepts(option, interest) for option in get_args(hint))
    delivered = get_origin(interest) or interest
    return isinstance(hint, type) and isinstance(delivered, type) and issubclass(delivered, hint) and hint is not object


def _bad(subscription: Subscription, reason: str) -> BadHandler:
    return BadHandler(consumer=subscription.name, handler=subscription.location, reason=reason)
