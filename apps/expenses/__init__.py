"""Expenses by category, budgets, and monthly reports. In layers:

money.py     amounts in minor units, and currencies with their exponents
month.py     a month, and its first day
rows.py      types: rows, request bodies, events
store.py     SQL, and nothing else
report.sql   the report of a month, one statement
budgets.py   the rule of budgets: an excess is announced once
routes.py    HTTP: requests and responses
export.py    expenses as CSV and as NDJSON
notices.py   consumers: notices, and deleting the data of people who have left
seed.py      demo data
backend.py   the backend
"""

from apps.expenses.backend import backend

__all__ = ["backend"]
