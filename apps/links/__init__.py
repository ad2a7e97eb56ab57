"""A URL shortener: short codes and names of one's own, expiry, and clicks that are counted exactly once in effect.

Its idea: following a link is a read, and what a read has shown is a fact like any other. The redirect emits it, a
consumer of the log counts it, and no counter is ever a row that thousands of visitors wait for. A visitor does not wait
for the commit either: visits share one, some ten milliseconds later. None is counted twice; a worker that is killed
loses those of its last moments.

rows.py      what is stored, shown and said: rows, requests, events
store.py     SQL, and nothing else
target.py    what a link may lead to: where abuse is refused
code.py      what a link may be called: random codes and names of one's own
links.py     the rules: who may change what, and what following a link means
routes.py    HTTP: what a request may say, and what it is answered
follow.py    what follows from the log: clicks are counted, blocked hosts take effect
seed.py      demo data
backend.py   the parts, put together
"""

from apps.links.backend import backend

__all__ = ["backend"]
