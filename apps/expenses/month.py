"""A month: ``2026-11`` to people and in paths, its first day to PostgreSQL."""

from datetime import date
from typing import Annotated

from headwater import Meta

Month = Annotated[
    str,
    Meta(pattern=r"^(19|20)[0-9]{2}-(0[1-9]|1[0-2])$", description="A year and a month.", examples=["2026-11"]),
]


def first_day(month: str) -> date:
    """The day on which it begins."""
    return date.fromisoformat(f"{month}-01")
