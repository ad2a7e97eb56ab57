"""A task manager: projects shared by people, tasks with a state, an order of their own, comments, files, and a feed.

Its idea: what may happen to a task is a table of transitions, who may see it is a row of membership, and that two
people who edit one task do not undo each other's work is said in the route. What happened is not written down by the
commands: they emit it, and a consumer of the log keeps the feed.

rows.py       what is stored, shown and said: rows, requests, events
store.py      SQL, and nothing else
state.py      the states of a task, and the ways between them
tasks.py      the rules: who may do what, what a change means, in what order tasks stand
routes.py     HTTP: what a request may say, and what it is answered
feed.py       what follows from the log: the feed is kept, and who has left is forgotten
seed.py       demo data
backend.py    the parts, put together
"""

from apps.tasks.backend import backend

__all__ = ["backend"]
