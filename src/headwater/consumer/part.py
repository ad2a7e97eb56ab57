"""Consumers as a part: what handlers of the log are given beside their event."""

from headwater.binding import Parameter, Provided, Provider, Site
from headwater.consumer.delivery import Delivery
from headwater.consumer.subscription import Subscription, tables_of
from headwater.part import Declarations, Part, Validation


def consumers() -> Part:
    """Provide the delivery to what provides other types for one."""
    return Part(
        "consumers",
        Provider(kind=Delivery, context=Delivery, provide=_provide_delivery),
        Validation(_validate),
    )


def _validate(declared: Declarations) -> None:
    """Raise `UnknownColumn` for an old value of a column that a consumer's rows do not have."""
    tables_of(declared.of(Subscription))


def _provide_delivery(site: Site, parameter: Parameter) -> Provided:
    return Provided(kind=Delivery, bind=lambda services: lambda delivery: delivery)
