"""The backend; importing routes and consumers declares them on the app."""

from apps.shop import routes, stock
from apps.shop.app import app
from apps.shop.seed import plant
from apps.shop.versions import VERSIONS
from headwater import Backend

__all__ = ["backend", "routes", "stock"]

backend = Backend(
    app,
    title="shop",
    description="A shop that never sells more than its stock, however many buyers order at once.",
    license="Apache-2.0",
    contact="shop@example.org",
    versions=VERSIONS,
    seed=plant,
)
