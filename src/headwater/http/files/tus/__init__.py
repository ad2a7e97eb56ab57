"""Resumable uploads by tus 1.0: routes, their steps, and the state in the database."""

from headwater.http.files.tus.routes import ResumableStep, rewrite, routes_of

__all__ = ["ResumableStep", "rewrite", "routes_of"]
