"""Expenses: what was spent on what, budgets, and what became of them each month. In its layers:

money.py     amounts in minor units, and the currencies that say what these are
month.py     a month, and its first day
rows.py      what is stored, shown and said: rows, requests, events
store.py     SQL, and nothing else
report.sql   the report of a month, one statement
budgets.py   the rule of budgets: what is said when one is exceeded, and that it is said once
routes.py    HTTP: what a request may say, and what it is answered
export.py    the same expenses for a spreadsheet and for a program
notices.py   what follows from the log: notices, and forgetting who has left
seed.py      demo data
backend.py   the parts, put together
"""

from apps.expenses.backend import backend

__all__ = ["backend"]
