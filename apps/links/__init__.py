"""A URL shortener: random codes and chosen names, expiry, and clicks that are counted exactly once in effect.

Its idea: following a link is a read, and a read can emit an event. The redirect emits it, a consumer of the log counts
it, so no visitor waits for the row of a counter. A visitor does not wait for the commit either: visits are committed
together, some ten milliseconds later. None is counted twice; a worker that is killed loses the visits of its last
milliseconds.

rows.py      types: rows, request bodies, events
store.py     SQL, and nothing else
target.py    the URLs that a link may lead to: where abuse is refused
code.py      the names of links: random codes and chosen names
links.py     the rules: who may change what, and the outcome of following a link
routes.py    HTTP: requests and responses
follow.py    consumers: count clicks, apply blocked hosts
seed.py      demo data
backend.py   the backend
"""

from apps.links.backend import backend

__all__ = ["backend"]
