"""The backend; importing routes declares them on the app."""

from apps.people import routes
from apps.people.app import app
from apps.people.principal import find
from apps.people.seed import plant
from headwater import Backend, Bearer

__all__ = ["backend", "routes"]

backend = Backend(
    app,
    title="people",
    description="People and the API keys by which the other apps authenticate them.",
    license="Apache-2.0",
    contact="people@example.org",
    seed=plant,
    identify=Bearer(find),
)
