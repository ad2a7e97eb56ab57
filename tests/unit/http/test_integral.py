"""An integer is one however it is written."""

import json
from decimal import Decimal
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from headwater.http import Response
from headwater.http.types.integral import write_integers_plainly
from tests.unit.http.support import build, query


class Order(msgspec.Struct):
    quantity: Annotated[int, Meta(ge=1)]
    note: str = ""
    price: float = 0.0


async def place(order: Order) -> Response:
    return Response(msgspec.json.encode(order))


@pytest.mark.parametrize(
    ("text", "status"),
    [("186", 200), ("186.0", 200), ("1.86e2", 200), ("1860E-1", 200), ("1.5", 422), ("0.0", 422), ("1e999999", 422)],
)
async def test_a_number_without_a_fraction_is_an_integer(text: str, status: int) -> None:
    client = build(query("/orders", place, method="POST")).client
    reply = await client.post(
        "/orders",
        body=b'{"quantity": %s, "note": "7.0 \\" 8.0", "price": 2.0}' % text.encode(),
        headers={"content-type": "application/json"},
    )
    assert reply.status == status
    if status == 200:
        assert reply.json() == {"quantity": 186, "note": '7.0 " 8.0', "price": 2.0}
    else:
        assert [error["pointer"] for error in reply.json()["errors"]] == ["#/quantity"]


VALUES: Any = st.recursive(
    st.none() | st.booleans() | st.text() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def exactly(body: bytes) -> Any:
    return json.loads(body, parse_float=Decimal, parse_int=Decimal)


@given(VALUES)
def test_what_is_said_stays_the_same(value: Any) -> None:
    body = json.dumps(value).encode()
    assert exactly(write_integers_plainly(body)) == exactly(body)
