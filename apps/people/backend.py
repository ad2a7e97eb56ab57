"""The parts, put together; importing routes declares them on the app."""

from apps.people import routes
from apps.people.app import app
from apps.people.principal import find
from apps.people.seed import plant
from headwater import Backend, Bearer

__all__ = ["backend", "routes"]

backend = Backend(
    app,
    title="people",
    description="Who people are, and the keys that they come with; the other apps know them by these.",
    license="Apache-2.0",
    contact="people@example.org",
    seed=plant,
    identify=Bearer(find),
)
