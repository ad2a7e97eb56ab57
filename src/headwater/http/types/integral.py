"""Integers that are written with a fraction of zero or an exponent: ``186.0``, ``2e3``.

JSON Schema counts them as integers (draft 2020-12, validation, section 6.1.1), and many JSON encoders write them;
msgspec refuses them. Only a refused body is rewritten.
"""

import re
from decimal import Decimal
from typing import Final

_TOKEN: Final = re.compile(rb'"(?:[^"\\]|\\.)*"|-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?')
_MOST_DIGITS: Final = 20


def write_integers_plainly(body: bytes) -> bytes:
    """The same JSON with each integral number written in digits only."""
    return _TOKEN.sub(lambda token: _plain(token[0]), body)


def _plain(token: bytes) -> bytes:
    if token[:1] == b'"' or token.removeprefix(b"-").isdigit():
        return token
    number = Decimal(token.decode())
    if number.adjusted() < _MOST_DIGITS and number == number.to_integral_value():
        return b"%d" % int(number)
    return token
