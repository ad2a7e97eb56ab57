"""Binding: how the parameters of handlers are filled, the same for every verb."""

from headwater.binding.errors import (
    AnnotationMissing,
    AnnotationUnresolved,
    HandlerError,
    NotAsync,
    ParameterMisplaced,
    ParameterUnbound,
    ResourceInvalid,
)
from headwater.binding.provider import Provided, Provider, Providers
from headwater.binding.resource import Hook, Resource, Services
from headwater.binding.signature import MISSING, Marker, Parameter, Subject, read_parameters
from headwater.binding.site import Site

__all__ = [
    "MISSING",
    "AnnotationMissing",
    "AnnotationUnresolved",
    "HandlerError",
    "Hook",
    "Marker",
    "NotAsync",
    "Parameter",
    "ParameterMisplaced",
    "ParameterUnbound",
    "Provided",
    "Provider",
    "Providers",
    "Resource",
    "ResourceInvalid",
    "Services",
    "Site",
    "Subject",
    "read_parameters",
]
