"""Amounts are whole numbers, whatever the currency."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from apps.expenses.money import EXPONENTS, MOST, write_amount

amounts = st.integers(-MOST, MOST)
currencies = st.sampled_from(sorted(EXPONENTS))


def test_a_cent_a_yen_and_a_fils_are_each_one() -> None:
    assert (write_amount(1, "EUR"), write_amount(1, "JPY"), write_amount(1, "KWD")) == ("0.01", "1", "0.001")


def test_a_refund_is_written_below_nothing() -> None:
    assert write_amount(-1234, "EUR") == "-12.34"


@given(amounts, currencies)
def test_what_is_written_is_the_amount_to_the_last_digit(amount: int, currency: str) -> None:
    assert Decimal(write_amount(amount, currency)).scaleb(EXPONENTS[currency]) == amount


@given(st.lists(amounts), currencies)
def test_the_sum_of_what_is_written_is_what_is_written_of_the_sum(parts: list[int], currency: str) -> None:
    assert sum(Decimal(write_amount(part, currency)) for part in parts) == Decimal(write_amount(sum(parts), currency))
