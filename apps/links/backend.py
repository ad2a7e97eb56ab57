"""The backend; importing routes and consumers declares them on the app."""

from apps.links import follow, routes
from apps.links.app import app
from apps.links.seed import plant
from apps.people import app as people
from apps.people import find
from headwater import Backend, Bearer

__all__ = ["backend", "follow", "routes"]

backend = Backend(
    app,
    people,
    title="links",
    description="Short links with chosen names, expiry and counted visits.",
    license="Apache-2.0",
    contact="links@example.org",
    seed=plant,
    identify=Bearer(find),
)
