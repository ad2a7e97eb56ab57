"""A date as HTTP writes it: whole seconds in GMT (RFC 9110 section 5.6.7)."""

import re
from datetime import UTC, datetime
from typing import Final

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTH: Final = rf"(?P<month>{'|'.join(_MONTHS)})"
_TIME: Final = r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})"
_FORMS: Final = tuple(
    re.compile(form)
    for form in (
        rf"(?:{'|'.join(_DAYS)}), (?P<day>[0-9]{{2}}) {_MONTH} (?P<year>[0-9]{{4}}) {_TIME} GMT",
        rf"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, (?P<day>[0-9]{{2}})-{_MONTH}-(?P<year>[0-9]{{2}}) {_TIME} GMT",
        rf"(?:{'|'.join(_DAYS)}) {_MONTH} (?P<day>[0-9]{{2}}| [0-9]) {_TIME} (?P<year>[0-9]{{4}})",
    )
)
"""IMF-fixdate, and the two obsolete forms that a recipient must accept."""


def write_date(moment: datetime) -> bytes:
    """``Sun, 06 Nov 1994 08:49:37 GMT``. Fractions of a second are truncated; without a zone it is UTC."""
    at = to_utc(moment)
    day, month = _DAYS[at.weekday()], _MONTHS[at.month - 1]
    return f"{day}, {at.day:02} {month} {at.year:04} {at.hour:02}:{at.minute:02}:{at.second:02} GMT".encode()


def read_date(text: bytes) -> datetime | None:
    """The date in one of the three forms of RFC 9110, None for anything else."""
    for form in _FORMS:
        match = form.fullmatch(text.decode("latin-1").strip(" \t"))
        if match is not None:
            return _moment(match.groupdict())
    return None


def to_utc(moment: datetime) -> datetime:
    """The same time in UTC; without a zone it is UTC."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _moment(parts: dict[str, str]) -> datetime | None:
    year = int(parts["year"])
    if len(parts["year"]) == 2:
        year = _full_year(year)
    clock = int(parts["hour"]), int(parts["minute"]), min(int(parts["second"]), 59)  # 60 is a leap second
    try:
        return datetime(year, _MONTHS.index(parts["month"]) + 1, int(parts["day"]), *clock, tzinfo=UTC)
    except ValueError:
        return None


def _full_year(year: int) -> int:
    """A two-digit year more than 50 years in the future is the most recent past year with these digits."""
    now = datetime.now(UTC).year
    full = now - now % 100 + year
    return full - 100 if full > now + 50 else full
