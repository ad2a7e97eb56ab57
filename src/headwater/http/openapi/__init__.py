"""The OpenAPI 3.1 document: made from the same bindings and renderings that serve the requests."""

from headwater.http.openapi.about import About
from headwater.http.openapi.document import write_document
from headwater.http.openapi.publish import openapi_route

__all__ = ["About", "openapi_route", "write_document"]
