"""The documentation page: it shows the OpenAPI document in a browser."""

from headwater.http.docspage.routes import docs_routes

__all__ = ["docs_routes"]
