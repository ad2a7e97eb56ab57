"""Money: whole numbers of a currency's minor unit, never fractions.

A currency's exponent in ISO 4217 is the number of its decimal places: 12.34 euro are 1234, 500 yen are 500, because the
yen has no minor unit, and 1.250 Kuwaiti dinar are 1250. Amounts of two currencies are never added.
"""

from enum import Enum
from typing import Annotated

from headwater import Meta

_WITHOUT = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_OF_THREE = "BHD IQD JOD KWD LYD OMR TND"
_OF_FOUR = "CLF UYW"
_OF_TWO = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY COP COU
CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES
KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR
NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP
TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG
"""

EXPONENTS = {
    code: exponent
    for exponent, codes in enumerate((_WITHOUT, "", _OF_TWO, _OF_THREE, _OF_FOUR))
    for code in codes.split()
}
"""Decimal places by currency (ISO 4217, list one, without the codes of funds, metals and testing)."""

Currency = Enum("Currency", {code: code for code in sorted(EXPONENTS)}, module=__name__)  # type: ignore[misc]

MOST = 10**12
"""Ten billion euro; the sum of nine million such amounts still fits 64 bits."""

Amount = Annotated[int, Meta(ge=1, le=MOST, description="In minor units: cents, or whole yen.", examples=[1234])]


def write_amount(amount: int, currency: str) -> str:
    """``1234`` euro as ``12.34``: for people and spreadsheets, exact, without thousands separators."""
    digits = EXPONENTS[currency]
    if digits == 0:
        return str(amount)
    text = str(abs(amount)).rjust(digits + 1, "0")
    return f"{'-' if amount < 0 else ''}{text[:-digits]}.{text[-digits:]}"
