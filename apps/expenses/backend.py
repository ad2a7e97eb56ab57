"""The backend; importing routes and consumers declares them on the app."""

from apps.expenses import export, notices, routes
from apps.expenses.app import app
from apps.expenses.seed import plant
from apps.people import app as people
from apps.people import find
from headwater import Backend, Bearer

__all__ = ["backend", "export", "notices", "routes"]

backend = Backend(
    people,
    app,
    title="expenses",
    description="Expenses by category, budgets, and monthly reports. Amounts are whole numbers of minor units.",
    license="Apache-2.0",
    contact="expenses@example.org",
    identify=Bearer(find),
    seed=plant,
)
