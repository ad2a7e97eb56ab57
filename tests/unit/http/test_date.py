"""Dates in headers."""

from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.http.message.date import read_date, write_date

AT = datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_date_is_read_as_it_was_written(moment: datetime) -> None:
    assert read_date(write_date(moment)) == moment.replace(microsecond=0)


@given(st.datetimes(min_value=datetime(1000, 1, 1), timezones=st.just(UTC)))
def test_a_date_is_written_as_the_standard_library_writes_it(moment: datetime) -> None:
    assert write_date(moment).decode() == format_datetime(moment, usegmt=True)


def test_a_date_is_written_in_gmt() -> None:
    zoned = AT.astimezone(timezone(timedelta(hours=-8)))
    assert (
        write_date(AT) == write_date(zoned) == write_date(AT.replace(tzinfo=None)) == b"Sun, 06 Nov 1994 08:49:37 GMT"
    )


@pytest.mark.parametrize(
    "text",
    [
        b"Sun, 06 Nov 1994 08:49:37 GMT",
        b" Sun, 06 Nov 1994 08:49:37 GMT ",
        b"Sunday, 06-Nov-94 08:49:37 GMT",
        b"Sun Nov  6 08:49:37 1994",
    ],
)
def test_all_three_forms_are_read(text: bytes) -> None:
    assert read_date(text) == AT


def test_two_digits_of_a_year_are_never_more_than_fifty_years_ahead() -> None:
    now = datetime.now(UTC)
    for ahead, century in ((50, 0), (51, -100)):
        year = now.year + ahead
        read = read_date(f"Sunday, 06-Nov-{year % 100:02} 08:49:37 GMT".encode())
        assert read is not None
        assert read.year == year + century


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"yesterday",
        b"1994-11-06T08:49:37Z",
        b"Sun, 06 Nov 1994 08:49:37 +0000",
        b"Sun, 06 Nov 1994 08:49:37 EST",
        b"Sun, 31 Feb 1994 08:49:37 GMT",
        b"Sun, 06 Nov 1994 24:49:37 GMT",
        b"Sun, 6 Nov 1994 08:49:37 GMT",
        b"Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT",
        "Sun, 0٦ Nov 1994 08:49:37 GMT".encode(),
    ],
)
def test_what_is_no_date_is_none(text: bytes) -> None:
    assert read_date(text) is None
