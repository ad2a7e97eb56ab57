"""The backend; importing routes and consumers declares them on the app."""

from apps.people import app as people
from apps.people import find
from apps.tasks import feed, routes
from apps.tasks.app import app
from apps.tasks.seed import plant
from headwater import Backend, Bearer

__all__ = ["backend", "feed", "routes"]

backend = Backend(
    app,
    people,
    title="tasks",
    description="What is to be done, by whom and until when.",
    license="Apache-2.0",
    contact="tasks@example.org",
    seed=plant,
    identify=Bearer(find),
)
