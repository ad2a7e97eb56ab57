"""A month: ``2026-11`` in paths and responses, its first day in PostgreSQL."""

from datetime import UTC, date, datetime
from typing import Annotated

from headwater import Meta

Month = Annotated[
    str,
    Meta(
        pattern=r"^(19|20)[0-9]{2}-(0[1-9]|1[0-2])$",
        max_length=7,  # before a newline at the end, $ matches too
        description="A year and a month.",
        examples=["2026-11"],
    ),
]


FIRST_MOMENT = datetime(1900, 1, 2, tzinfo=UTC)
LAST_MOMENT = datetime(2099, 12, 31, tzinfo=UTC)
"""Every time between these two is in a valid month, in any time zone."""


def has_month(moment: datetime) -> bool:
    """Whether a time is in a valid month, in any time zone."""
    return FIRST_MOMENT <= moment < LAST_MOMENT


def first_day(month: str) -> date:
    """The first day of the month."""
    return date.fromisoformat(f"{month}-01")
