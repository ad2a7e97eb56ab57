"""The OpenAPI 3.1 document, generated from the same bindings and renderings that serve requests."""

from headwater.http.openapi.about import About
from headwater.http.openapi.document import write_document

__all__ = ["About", "write_document"]
