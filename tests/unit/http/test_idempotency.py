"""Idempotency-Key: which key, and which request it stands for."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.commit import Tx
from headwater.http import Principal, Problem, Request, Response
from headwater.http.command.idempotency import fingerprint_of, key_of, parse_key
from tests.unit.http.support import build, command, provided, request_of

VISIBLE = st.characters(min_codepoint=0x20, max_codepoint=0x7E)


class Order(msgspec.Struct):
    quantity: int


class User:
    pass


def requesting(
    path: str = "/orders",
    query: bytes = b"",
    method: str = "POST",
    body: bytes = b"{}",
    headers: tuple[tuple[bytes, bytes], ...] = ((b"idempotency-key", b'"k"'),),
    principal: str | None = None,
) -> Request:
    request = request_of({"method": method, "path": path, "query_string": query, "headers": list(headers)})
    request.raw_body = body
    request.principal = Principal(principal) if principal is not None else None
    return request


@pytest.mark.parametrize(
    ("header", "key"),
    [
        (b'"abc"', b"abc"),
        (b"abc", b"abc"),
        (b' "abc" ', b"abc"),
        (b'"a b,c"', b"a b,c"),
        (b'"a\\"b\\\\c"', b'a"b\\c'),
        (b"8e03978e-40d5-43dd-bc93-6894a57f9324", b"8e03978e-40d5-43dd-bc93-6894a57f9324"),
        (b'"' + b"x" * 255 + b'"', b"x" * 255),
    ],
)
def test_a_key_is_a_string_quoted_or_bare(header: bytes, key: bytes) -> None:
    assert parse_key(header) == key


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b'""',
        b'"',
        b'"a',
        b'a"',
        b"a b",
        b"a,b",
        b'"a", "b"',
        b'"a\\b"',
        b"\xc3\xbc",
        b'"\xc3\xbc"',
        b'"\x00"',
        b"x" * 256,
        b'"' + b"x" * 256 + b'"',
        b'"a";p=1',
    ],
)
def test_anything_else_is_no_key(header: bytes) -> None:
    with pytest.raises(Problem) as caught:
        parse_key(header)
    assert caught.value.status == 400


@given(st.text(VISIBLE, min_size=1, max_size=255))
def test_every_string_can_be_a_key(text: str) -> None:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    assert parse_key(f'"{escaped}"'.encode()) == text.encode()


def test_a_missing_key_matters_only_where_it_is_required() -> None:
    request = requesting(headers=())
    assert key_of(request, "/orders", required=False) is None
    with pytest.raises(Problem) as caught:
        key_of(request, "/orders", required=True)
    assert caught.value.status == 400


def test_two_keys_are_none() -> None:
    with pytest.raises(Problem):
        key_of(requesting(headers=((b"idempotency-key", b"a"), (b"idempotency-key", b"b"))), "/orders", required=False)


def test_the_scope_is_principal_method_route_and_key() -> None:
    scopes = [
        key_of(requesting(), "/orders", True),
        key_of(requesting(principal="ann"), "/orders", True),
        key_of(requesting(principal="bob"), "/orders", True),
        key_of(requesting(method="PUT"), "/orders", True),
        key_of(requesting(), "/orders/{id}", True),
        key_of(requesting(headers=((b"idempotency-key", b"K"),)), "/orders", True),
    ]
    assert len({key.scope for key in scopes if key}) == len(scopes)
    bare = key_of(requesting(headers=((b"idempotency-key", b"k"),)), "/orders", True)
    assert bare == scopes[0]


@pytest.mark.parametrize(
    "other",
    [
        requesting(path="/orders/2"),
        requesting(query=b"a=1"),
        requesting(body=b"{ }"),
        requesting(method="PUT"),
        requesting(headers=((b"content-type", b"text/plain"),)),
    ],
)
def test_another_request_has_another_fingerprint(other: Request) -> None:
    assert fingerprint_of(other) != fingerprint_of(requesting(headers=()))


def test_the_order_of_query_parameters_makes_no_other_request() -> None:
    one, two = requesting(query=b"a=1&b=2&b=3"), requesting(query=b"b=2&b=%33&a=1")
    assert fingerprint_of(one) == fingerprint_of(two)
    assert fingerprint_of(one) != fingerprint_of(requesting(query=b"a=1&b=3&b=2"))


@given(st.text(), st.text(), st.text(), st.text())
def test_parts_never_run_into_each_other(a: str, b: str, c: str, d: str) -> None:
    one = key_of(requesting(principal=a, method=b), c, True)
    two = key_of(requesting(principal=b, method=c), d, True)
    assert one is not None
    assert two is not None
    assert (one.scope == two.scope) is ((a, b, c) == (b, c, d))


async def test_the_same_request_is_executed_once_and_answered_alike() -> None:
    executed = []

    async def place(tx: Tx, order: Order) -> Order:
        executed.append(order)
        return order

    built = build(command("/orders", place, status=201, idempotency="required", location="/orders/{quantity}"))
    first = await built.client.post("/orders", json={"quantity": 2}, headers={"Idempotency-Key": '"k"'})
    second = await built.client.post("/orders", json={"quantity": 2}, headers={"Idempotency-Key": "k"})
    assert len(executed) == 1
    assert (first.status, first.body) == (second.status, second.body) == (201, b'{"quantity":2}')
    assert first.headers["location"] == second.headers["location"] == "/orders/2"
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"
    assert second.headers["content-type"] == "application/json"
    third = await built.client.post("/orders", json={"quantity": 3}, headers={"Idempotency-Key": "k"})
    assert third.status == 422
    assert third.json()["type"] == "urn:headwater:problem:idempotency-key-reused"


async def test_two_principals_never_share_a_key() -> None:
    def user(request: Request) -> User:
        request.principal = Principal(request.headers["x-user"])
        return User()

    async def place(tx: Tx, user: User, order: Order) -> int:
        return order.quantity

    built = build(command("/orders", place, idempotency="required"), providers=[provided(User, user)])
    for name, quantity in [("ann", 1), ("bob", 2)]:
        reply = await built.client.post(
            "/orders", json={"quantity": quantity}, headers={"Idempotency-Key": "k", "X-User": name}
        )
        assert reply.json() == quantity
    assert [origin.actor for origin in built.committer.origins] == ["ann", "bob"]


async def test_a_replay_is_authorized_again() -> None:
    allowed = [True, False]

    def user(request: Request) -> User:
        if not allowed.pop(0):
            raise Problem(403)
        return User()

    async def place(tx: Tx, user: User) -> int:
        return 1

    built = build(command("/orders", place, idempotency="optional"), providers=[provided(User, user)])
    headers = {"Idempotency-Key": "k"}
    assert [(await built.client.post("/orders", headers=headers)).status for _ in range(2)] == [200, 403]


@pytest.mark.parametrize("status", [401, 403, 409, 422, 429, 500])
async def test_an_error_is_never_kept_and_commits_nothing(status: int) -> None:
    async def place(tx: Tx) -> Response:
        return Response(status=status)

    built = build(command("/orders", place, idempotency="required"))
    for _ in range(2):
        reply = await built.client.post("/orders", headers={"Idempotency-Key": "k"})
        assert reply.status == status
        assert "idempotent-replayed" not in reply.headers
    assert built.committer.committed == []
    assert len(built.committer.rolled_back) == 2


async def test_a_handler_that_raises_commits_nothing() -> None:
    async def place(tx: Tx) -> int:
        raise Problem(409, detail="Sold out.")

    built = build(command("/orders", place))
    reply = await built.client.post("/orders")
    assert (reply.status, reply.json()["detail"]) == (409, "Sold out.")
    assert built.committer.committed == []


async def test_another_attempt_gets_arguments_of_its_own() -> None:
    seen: list[Any] = []

    async def place(order: Order, tx: Tx) -> int:
        seen.append(order.quantity)
        order.quantity = 0
        return order.quantity

    built = build(command("/orders", place))
    built.committer.attempts_lost = 2
    await built.client.post("/orders", json={"quantity": 5})
    assert seen == [5, 5, 5]


async def test_a_command_says_whose_it_is() -> None:
    async def place(tx: Tx) -> None: ...

    built = build(command("/orders", place))
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    await built.client.post("/orders", headers={"traceparent": parent})
    (origin,) = built.committer.origins
    assert (origin.app, origin.command, origin.actor, origin.traceparent) == ("shop", "place", None, parent)


@pytest.mark.parametrize("idempotency", ["none", "optional"])
async def test_without_a_transaction_nothing_is_committed(idempotency: str) -> None:
    async def ping(order: Order) -> int:
        return order.quantity

    built = build(command("/ping", ping, idempotency=idempotency))
    assert (await built.client.post("/ping", json={"quantity": 3})).json() == 3
    assert built.committer.origins == []
