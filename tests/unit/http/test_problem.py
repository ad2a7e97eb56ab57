"""Errors have one shape, wherever they come from."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.commit import KeyInFlight, KeyReused, OutcomeUnknown, Tx
from headwater.db import (
    CheckFailed,
    Conflict,
    Contention,
    LockTimeout,
    ManyRows,
    NoRow,
    QueryFailed,
    ReadOnly,
    ReferenceMissing,
    RowMismatch,
    StatementTimeout,
    StillReferenced,
    Unavailable,
)
from headwater.http import Problem, Request, Response
from headwater.http.message.problem import write_problem
from headwater.http.message.problemtype import PROBLEM_TYPES
from headwater.http.step.problems import Problems, Translation
from headwater.observe import subscribe
from headwater.settings import Settings
from headwater.testing.client import Reply
from tests.unit.http.support import Built, build, command, compiler, query

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)

TRANSLATION = Translation(compiler().declared.of(Problems))


class Document(msgspec.Struct, forbid_unknown_fields=False):
    """What every problem has."""

    type: str
    title: str
    status: int
    instance: str
    request_id: str
    detail: str | None = None


def assert_is_problem(reply: Reply, status: int) -> dict[str, Any]:
    """The one shape: media type, members, identifier, and the headers that the status demands."""
    assert reply.status == status
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["content-length"] == str(len(reply.body))
    document = reply.json(Document)
    assert document.status == status
    assert document.title
    assert document.type == "about:blank" or ":" in document.type
    assert document.request_id == reply.headers["x-request-id"]
    assert "Traceback" not in reply.text
    for header in {405: ["allow"], 415: ["accept-post"], 503: ["retry-after"], 401: ["www-authenticate"]}.get(
        status, []
    ):
        assert header in reply.headers
    members: dict[str, Any] = reply.json()
    return members


class Order(msgspec.Struct):
    quantity: int


class Vault:
    pass


def raising(error: Exception) -> Any:
    async def fail() -> int:
        raise error

    return fail


async def place(order: Order) -> int:
    return order.quantity


async def keyed(tx: Tx) -> int:
    return 1


async def show(id: UUID) -> int:
    return 1


async def late() -> AsyncIterator[int]:
    raise Problem(410)
    yield 1


async def stuck(request: Request) -> int:
    await asyncio.sleep(3600)
    return 1


def everything() -> Built:
    async def broken_mount(scope: Any, receive: Any, send: Any) -> None:
        raise RuntimeError("the secret of the mount")

    return build(
        query("/things/{id}", show),
        command("/orders", place),
        command("/keyed", keyed, idempotency="required"),
        query("/stream", late),
        query("/secret", raising(RuntimeError("the secret"))),
        query("/gone", raising(NoRow(kind="Thing"))),
        query("/down", raising(Unavailable(reason="x", retry_after=2.5))),
        query("/slow", raising(TimeoutError())),
        query("/teapot", raising(Problem(418, "Teapot", "short and stout", "https://example.com/teapot", cups=2))),
        query("/private", raising(Problem(401, headers={"WWW-Authenticate": "Bearer"}))),
        settings=Settings(body_limit=50, body_seconds=0.01),
        mounts={"/mounted": broken_mount},
    )


REQUESTS: list[tuple[str, str, dict[str, Any], int]] = [
    ("GET", "/nowhere", {}, 404),
    ("GET", "/things/7", {}, 404),
    ("GET", "/things/%ff", {}, 400),
    ("GET", "/gone", {}, 404),
    ("DELETE", "/orders", {}, 405),
    ("TRACE", "/orders", {}, 405),
    ("GET", "/gone", {"headers": {"Accept": "text/html"}}, 406),
    ("POST", "/orders", {"body": b"{}", "headers": {"Content-Type": "text/plain"}}, 415),
    ("POST", "/orders", {"body": b"{}"}, 415),
    ("POST", "/orders", {"body": b"{", "headers": {"Content-Type": "application/json"}}, 400),
    ("POST", "/orders", {"body": b"\xff", "headers": {"Content-Type": "application/json"}}, 400),
    ("POST", "/orders", {"body": b"[" * 40, "headers": {"Content-Type": "application/json"}}, 400),
    ("POST", "/orders", {"body": b" " * 51, "headers": {"Content-Type": "application/json"}}, 413),
    ("POST", "/orders", {"json": {"quantity": "x"}}, 422),
    ("POST", "/orders?x=1", {"json": {"quantity": 1}}, 422),
    ("POST", "/orders?x=%ff", {"json": {"quantity": 1}}, 400),
    ("POST", "/keyed", {}, 400),
    ("POST", "/keyed", {"headers": {"Idempotency-Key": '"'}}, 400),
    ("GET", "/stream", {}, 410),
    ("GET", "/secret", {}, 500),
    ("GET", "/down", {}, 503),
    ("GET", "/slow", {}, 504),
    ("GET", "/teapot", {}, 418),
    ("GET", "/private", {}, 401),
    ("GET", "/startupz", {}, 503),
    ("GET", "/mounted/x", {}, 500),
    ("GET", "/gone", {"headers": {"X-Request-Id": "mine"}}, 404),
]


@pytest.mark.parametrize(("method", "path", "options", "status"), REQUESTS, ids=lambda each: str(each)[:40])
async def test_every_error_has_one_shape(method: str, path: str, options: dict[str, Any], status: int) -> None:
    reply = await everything().client.request(method, path, **options)
    members = assert_is_problem(reply, status)
    assert members["instance"] == path.partition("?")[0]
    assert "secret" not in members.get("detail", "")


async def test_a_problem_says_what_its_raiser_said() -> None:
    members = assert_is_problem(await everything().client.get("/teapot", headers={"X-Request-Id": "mine"}), 418)
    assert members == {
        "type": "https://example.com/teapot",
        "title": "Teapot",
        "status": 418,
        "detail": "short and stout",
        "instance": "/teapot",
        "request_id": "mine",
        "cups": 2,
    }


async def test_a_missing_host_is_a_400() -> None:
    built = everything()
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/gone",
        "raw_path": b"/gone",
        "query_string": b"",
        "headers": [],
        "http_version": "1.1",
    }
    await built.app(scope, None, send)
    assert sent[0]["status"] == 400


async def test_what_nobody_expected_is_reported_whole() -> None:
    heard: list[Any] = []
    unsubscribe = subscribe(heard.append)
    try:
        reply = await everything().client.get("/secret", headers={"X-Request-Id": "mine"})
    finally:
        unsubscribe()
    assert reply.status == 500
    (failed,) = heard
    assert (failed.method, failed.route, failed.request_id, failed.level) == ("GET", "/secret", "mine", "error")
    assert "RuntimeError: the secret" in failed.exception
    assert "in fail" in failed.exception


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (NoRow(kind="Product"), 404, "about:blank"),
        (Conflict(constraint="user_email", table="user", detail="Key (email)=(a@b.c) exists."), 409, "conflict"),
        (StillReferenced(constraint="order_product", table="order", detail=None), 409, "still-referenced"),
        (ReferenceMissing(constraint="order_product", table="order", detail=None), 422, "reference-missing"),
        (CheckFailed(check="stock_positive", table="product", detail=None), 409, "rule-broken"),
        (Contention(reason="deadlock"), 503, "contention"),
        (LockTimeout(reason="lock"), 503, "contention"),
        (StatementTimeout(reason="slow"), 504, "about:blank"),
        (Unavailable(reason="gone", retry_after=0.2), 503, "unavailable"),
        (KeyReused(), 422, "idempotency-key-reused"),
        (KeyInFlight(retry_after=1.5), 409, "idempotency-key-in-flight"),
        (OutcomeUnknown(reason="broken"), 503, "outcome-unknown"),
        (QueryFailed(message="value out of range", sqlstate="22003", detail=None, hint=None), 422, "value-unstorable"),
        (TimeoutError(), 504, "about:blank"),
    ],
)
def test_expected_errors_become_problems_that_give_nothing_away(error: Exception, status: int, kind: str) -> None:
    problem = TRANSLATION.problem_of(error)
    assert problem is not None
    assert problem.status == status
    assert problem.type.removeprefix("urn:headwater:problem:") == kind
    assert (problem.detail or "").endswith(".")
    for secret in ("user_email", "a@b.c", "stock", "order_product", "deadlock", "Product"):
        assert secret not in str(problem)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("x"),
        ManyRows(kind="A", count=2),
        RowMismatch(column="a", kind="A", reason="x"),
        ReadOnly(reason="insert"),
        QueryFailed(message="syntax error", sqlstate="42601", detail=None, hint=None),
        QueryFailed(message="division by zero", sqlstate="22012", detail=None, hint=None),
    ],
)
def test_our_own_mistakes_are_no_problem_of_the_clients(error: Exception) -> None:
    assert TRANSLATION.problem_of(error) is None


@pytest.mark.parametrize(("seconds", "expected"), [(0.0, "1"), (0.2, "1"), (1.5, "2"), (30.0, "30")])
def test_retry_after_is_in_whole_seconds(seconds: float, expected: str) -> None:
    problem = TRANSLATION.problem_of(Unavailable(reason="x", retry_after=seconds))
    assert problem is not None
    assert problem.fields == [(b"retry-after", expected.encode())]


def test_kinds_differ_by_name_and_are_errors() -> None:
    assert len({kind.uri for kind in PROBLEM_TYPES}) == len(PROBLEM_TYPES)
    for kind in PROBLEM_TYPES:
        assert kind.problem("It is so.").status == kind.status


RESERVED = {"type", "title", "status", "detail", "instance", "request_id"}


@given(
    st.integers(400, 599),
    st.none() | st.text(min_size=1),
    st.none() | st.text(),
    st.dictionaries(
        st.from_regex(r"[a-z_]{1,8}", fullmatch=True).filter(lambda n: n not in RESERVED | {"self", "headers"}),
        json_values,
    ),
)
def test_any_problem_is_written_as_one(
    status: int, title: str | None, detail: str | None, extensions: dict[str, Any]
) -> None:
    answer = write_problem(Problem(status, title, detail, **extensions), "id", "/x")
    members = msgspec.json.decode(answer.body)
    assert answer.status == status
    assert members["status"] == status
    assert members["title"] == (title or members["title"])
    assert members.get("detail") == detail
    for name, value in extensions.items():
        assert members[name] == msgspec.json.decode(msgspec.json.encode(value))


@pytest.mark.parametrize("status", [0, 200, 399, 600])
def test_only_errors_are_problems(status: int) -> None:
    with pytest.raises(ValueError, match=str(status)):
        Problem(status)


def test_a_member_that_every_problem_has_cannot_be_extended() -> None:
    with pytest.raises(ValueError, match="instance"):
        Problem(400, instance="/x")


@pytest.mark.parametrize(
    ("name", "value"),
    [("X-A", "a\r\nSet-Cookie: b=c"), ("X A", "b"), ("", "b"), ("Content-Length", "3"), ("X-A", "\0")],
)
def test_a_header_cannot_smuggle_another(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=r"header"):
        Problem(400, headers={name: value})
    with pytest.raises(ValueError, match=r"header"):
        Response(headers={name: value})
