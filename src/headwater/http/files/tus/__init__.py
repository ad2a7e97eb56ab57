"""Resumable uploads by the tus protocol 1.0: created, appended to until they are whole, and then a commit."""

from headwater.http.files.tus.routes import compile_step, routes_of

__all__ = ["compile_step", "routes_of"]
