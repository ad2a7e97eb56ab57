"""People and their API keys: the smallest identity that another app can stand on.

Its idea: a key is shown once and never stored. What is stored is its SHA-256, so nobody who reads the table, a backup
or a log can use what is there. Other apps take `find` for their backend, `Backend(…, identify=Bearer(find))`, and
`Person` as what their handlers receive.

rows.py        what is stored, shown and said: rows, requests, who is asking
store.py       SQL, and nothing else
key.py         keys: made at random, recognised by their digest
routes.py      HTTP: what a request may say, and what it is answered
principal.py   who is asking, found by the key
seed.py        demo data
backend.py     the parts, put together
"""

from apps.people.app import app
from apps.people.backend import backend
from apps.people.principal import find
from apps.people.rows import Person, PersonLeft

__all__ = ["Person", "PersonLeft", "app", "backend", "find"]
