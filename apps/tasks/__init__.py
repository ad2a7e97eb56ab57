"""A task manager: projects shared by people, tasks with a state and a manual order, comments, files, and a feed.

Its idea: the states of a task are a table of transitions, the right to see it is a row of membership, and an option of
the route prevents lost updates. Commands do not write the feed: they emit events, and a consumer of the log keeps the
feed.

rows.py       types: rows, request bodies, events
store.py      SQL, and nothing else
state.py      the states of a task, and the transitions between them
tasks.py      the rules: who may do what, what a change means, the order of tasks
routes.py     HTTP: requests and responses
feed.py       consumers: keep the feed, delete the data of people who have left
seed.py       demo data
backend.py    the backend
"""

from apps.tasks.backend import backend

__all__ = ["backend"]
