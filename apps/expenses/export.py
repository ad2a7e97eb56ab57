"""Expenses as CSV for spreadsheets and as NDJSON for programs."""

import csv
import io
from collections.abc import AsyncIterator
from datetime import date, timedelta

from apps.expenses import store
from apps.expenses.app import app
from apps.expenses.money import write_amount
from apps.expenses.rows import Expense
from apps.people import Person
from headwater import Db, Problem, Response

MOST_DAYS = 366
COLUMNS = ("day", "category", "kind", "amount", "currency", "note")

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""The first characters of a cell that a spreadsheet takes for a formula (OWASP, CSV Injection)."""


@app.query("GET /expenses.ndjson")
async def export_lines(db: Db, who: Person, first: date, last: date) -> AsyncIterator[Expense]:
    """All expenses from one day to another, one JSON object per line, in one snapshot."""
    async for expense in store.expenses_between(db, who.uuid, first, last):
        yield expense


@app.query("GET /expenses.csv")
async def export_table(db: Db, who: Person, first: date, last: date) -> Response:
    """Expenses of up to a year as CSV (RFC 4180), with decimal amounts: `12.34`."""
    if last - first > timedelta(days=MOST_DAYS):
        raise Problem(422, errors=[{"detail": f"At most {MOST_DAYS} days.", "parameter": "last", "in": "query"}])
    table = io.StringIO()
    rows = csv.writer(table)
    rows.writerow(COLUMNS)
    async for expense in store.expenses_between(db, who.uuid, first, last):
        rows.writerow(_cells(expense))
    headers = {"Content-Disposition": f'attachment; filename="expenses-{first}-{last}.csv"'}
    return Response(table.getvalue(), media_type="text/csv; charset=utf-8; header=present", headers=headers)


def _cells(expense: Expense) -> tuple[str, ...]:
    signed = expense.amount if expense.kind == "expense" else -expense.amount
    amount = write_amount(signed, expense.currency)
    return str(expense.day), str(expense.category), expense.kind, amount, expense.currency, _harmless(expense.note)


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
