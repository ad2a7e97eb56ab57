"""Consumers as a part: what handlers of the log are given beside their event."""

from headwater.binding import Parameter, Provided, Provider, Site
from headwater.consumer.delivery import Delivery
from headwater.part import Part


def consumers() -> Part:
    """Provide the delivery to what provides other types for one."""
    return Part("consumers", Provider(kind=Delivery, context=Delivery, provide=_provide_delivery))


def _provide_delivery(site: Site, parameter: Parameter) -> Provided:
    return Provided(kind=Delivery, bind=lambda services: lambda delivery: delivery)
