"""People and their API keys: a small authentication that other apps use.

Its idea: a key is shown once and never stored. Its SHA-256 is stored, so a reader of the table, a backup or a log
cannot use it. Other apps use `find` for their backend, `Backend(…, identify=Bearer(find))`, and `Person` as the
principal of their handlers.

rows.py        types: rows, request bodies, the principal
store.py       SQL, and nothing else
key.py         keys: made at random, recognised by their digest
routes.py      HTTP: requests and responses
principal.py   authentication: the person that a key belongs to
seed.py        demo data
backend.py     the backend
"""

from apps.people.app import app
from apps.people.backend import backend
from apps.people.principal import find
from apps.people.rows import Person, PersonLeft

__all__ = ["Person", "PersonLeft", "app", "backend", "find"]
