"""The documentation page: what a browser makes of the OpenAPI document, and the routes that serve it."""

from headwater.http.docspage.routes import docs_routes

__all__ = ["docs_routes"]
