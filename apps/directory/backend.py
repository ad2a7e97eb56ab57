"""The backend; importing routes declares them on the app."""

from apps.directory import routes
from apps.directory.app import app
from apps.directory.seed import plant
from headwater import Backend

__all__ = ["backend", "routes"]

backend = Backend(
    app,
    title="directory",
    description="A million people and the cities of the world: pages, filters, search, counts, an export.",
    license="Apache-2.0",
    contact="directory@example.org",
    seed=plant,
)
