"""A written client does what it says: types, keys, retries, pages, streams and problems, without a network."""

import sys
import types
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID, uuid4

import httpx2
import msgspec
import pytest
from msgspec import Meta

from headwater.api import write_client
from headwater.commit import Tx
from headwater.db import Db
from headwater.http import Body, Header, Response, Route
from headwater.http.openapi import About
from tests.unit.http.support import command, document_of, query


class Circle(msgspec.Struct, tag="circle", tag_field="kind"):
    radius: float


class Square(msgspec.Struct, tag="square", tag_field="kind"):
    side: float


class Thing(msgspec.Struct):
    id: UUID
    made: datetime
    day: date | None = None
    shape: Circle | Square | None = None
    class_: str = msgspec.field(name="class", default="plain")


class Change(msgspec.Struct):
    day: date | msgspec.UnsetType | None = msgspec.UNSET
    class_: str | msgspec.UnsetType = msgspec.field(name="class", default=msgspec.UNSET)


class Things(msgspec.Struct):
    items: list[Thing]
    next: str | None = None


async def list_things(db: Db, state: Literal["new", "old"] = "new", cursor: str | None = None) -> Things: ...


async def find_things(
    db: Db,
    tags: list[str] = [],  # noqa: B006
    since: datetime | None = None,
    small: bool = False,
    agent: Annotated[str, Header("X-Agent")] = "",
) -> list[Thing]: ...


async def show_thing(db: Db, id: UUID) -> Thing: ...


async def add_thing(tx: Tx, thing: Thing) -> Thing: ...


async def change_thing(tx: Tx, id: UUID, change: Change) -> None: ...


async def poke(tx: Tx) -> None: ...


async def upload(tx: Tx, data: Annotated[bytes, Body()]) -> None: ...


async def label(db: Db, id: UUID) -> Response: ...


async def export(db: Db) -> AsyncIterator[Thing]:
    raise NotImplementedError
    yield


ROUTES = [
    query("/things", list_things, app="store"),
    query("/found", find_things, app="store"),
    query("/things/{id}", show_thing, app="store"),
    command("/things", add_thing, status=201, idempotency="required"),
    command("/things/{id}", change_thing, method="PATCH", idempotency="optional"),
    command("/pokes", poke, idempotency="none"),
    command("/files", upload, method="PUT", idempotency="none"),
    query("/things/{id}/label", label, app="store"),
    query("/export", export, app="store"),
]
THING = {"id": "0199f3c2-7d1e-7c4b-9a55-3f6f0b6f2a10", "made": "2026-01-31T12:30:00Z", "class": "fine"}


def document(routes: list[Route] = ROUTES) -> dict[str, Any]:
    found = document_of(*routes, about=About(title="The store"))
    found["components"]["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer"},
        "apiKey": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
    }
    return found


def load(text: str) -> Any:
    module = types.ModuleType("written")
    sys.modules["written"] = module  # where msgspec looks for the types of its annotations
    exec(compile(text, "written.py", "exec"), module.__dict__)
    return module


class Peer:
    """A server that answers as told, and remembers what it was asked."""

    def __init__(self, *answers: httpx2.Response | Exception | Callable[[httpx2.Request], httpx2.Response]) -> None:
        self.answers = list(answers)
        self.requests: list[httpx2.Request] = []
        self.slept: list[float] = []
        self.module = load(write_client(document()))

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, httpx2.Response) else answer(request)

    def client(self, **options: Any) -> Any:
        async def sleep(seconds: float) -> None:
            self.slept.append(seconds)

        self.module.sleep = sleep
        http = httpx2.AsyncClient(transport=httpx2.MockTransport(self.answer), base_url="http://api.test/v1")
        return self.module.Client(http=http, **options)

    @property
    def keys(self) -> set[str | None]:
        return {request.headers.get("idempotency-key") for request in self.requests}


def ok(body: Any, status: int = 200, /, **headers: str) -> httpx2.Response:
    return httpx2.Response(status, content=msgspec.json.encode(body), headers=headers)


def problem(status: int, retry_after: str | None = None, **members: Any) -> httpx2.Response:
    headers = {"content-type": "application/problem+json"} | ({"retry-after": retry_after} if retry_after else {})
    return httpx2.Response(status, content=msgspec.json.encode({"status": status, **members}), headers=headers)


async def test_values_are_sent_and_read_with_their_types() -> None:
    peer = Peer(ok(THING | {"shape": {"kind": "square", "side": 2}, "day": "2026-02-01"}, 201))
    module = peer.module
    sent = module.Thing(id=uuid4(), made=datetime(2026, 1, 1, tzinfo=UTC), shape=module.Circle(radius=1.5), class_="x")
    async with peer.client(token="secret", api_key="k") as client:
        thing = await client.add_thing(sent)
    (request,) = peer.requests
    assert (request.method, str(request.url)) == ("POST", "http://api.test/v1/things")
    assert msgspec.json.decode(request.content, type=Thing).shape == Circle(1.5)
    assert msgspec.json.decode(request.content)["class"] == "x"
    assert (request.headers["authorization"], request.headers["x-api-key"]) == ("Bearer secret", "k")
    assert thing == module.Thing(
        id=UUID(THING["id"]), made=datetime(2026, 1, 31, 12, 30, tzinfo=UTC), day=date(2026, 2, 1),
        shape=module.Square(side=2.0), class_="fine",
    )  # fmt: skip


async def test_what_is_not_given_is_not_sent() -> None:
    peer = Peer(ok([]), ok([]), httpx2.Response(204), httpx2.Response(204), httpx2.Response(204))
    client = peer.client()
    await client.find_things()
    await client.find_things(tags=["a", "b c"], since=datetime(2026, 1, 1, tzinfo=UTC), small=True, x_agent="me")
    id = uuid4()
    await client.change_thing(id, peer.module.Change())
    await client.change_thing(id, peer.module.Change(day=None))
    await client.upload(b"bytes", content_type="image/png")
    plain, full, nothing, null, upload = peer.requests
    assert plain.url.query == b""
    assert dict(full.url.params.multi_items())["small"] == "true"
    assert full.url.params.get_list("tags") == ["a", "b c"]
    assert full.url.params["since"] == "2026-01-01T00:00:00Z"
    assert full.headers["x-agent"] == "me"
    assert (nothing.content, null.content) == (b"{}", b'{"day":null}')
    assert nothing.url.path == f"/v1/things/{id}"
    assert (upload.content, upload.headers["content-type"]) == (b"bytes", "image/png")


@pytest.mark.parametrize(
    "failure",
    [problem(503), problem(429), problem(409, "0"), httpx2.ReadError("lost"), httpx2.ConnectError("refused")],
    ids=["503", "429", "in flight", "lost", "refused"],
)
async def test_a_request_with_a_key_is_repeated_with_that_key(failure: Any) -> None:
    peer = Peer(failure, ok(THING, 201))
    await peer.client().add_thing(peer.module.Thing(id=uuid4(), made=datetime.now(UTC)))
    assert len(peer.requests) == 2
    assert len(peer.keys) == 1
    assert None not in peer.keys
    assert len({request.content for request in peer.requests}) == 1


@pytest.mark.parametrize(("failure", "count"), [
    (problem(503), 1), (httpx2.ReadError("lost"), 1), (problem(429), 2), (httpx2.ConnectError("refused"), 2),
])  # fmt: skip
async def test_without_a_key_only_what_was_not_done_is_repeated(failure: Any, count: int) -> None:
    peer = Peer(failure, httpx2.Response(204))
    client = peer.client()
    with suppress(peer.module.ApiProblem, httpx2.TransportError):
        await client.poke()
    assert len(peer.requests) == count
    assert peer.keys == {None}


async def test_the_server_says_how_long_to_wait_and_too_long_is_an_error() -> None:
    peer = Peer(problem(503, "7"), problem(429, "3"), ok(THING))
    await peer.client().show_thing(uuid4())
    assert peer.slept == [7.0, 3.0]
    peer = Peer(problem(503, "700"))
    with pytest.raises(peer.module.ServiceUnavailable) as raised:
        await peer.client().show_thing(uuid4())
    assert (raised.value.retry_after, peer.slept) == (700.0, [])


async def test_retries_come_to_an_end() -> None:
    peer = Peer(*[problem(503)] * 3)
    with pytest.raises(peer.module.ServiceUnavailable):
        await peer.client(retries=2).show_thing(uuid4())
    peer = Peer(*[httpx2.ReadError("lost")] * 3)
    with pytest.raises(httpx2.ReadError):
        await peer.client(retries=2).show_thing(uuid4())


async def test_a_problem_is_an_exception_of_its_type_with_its_members() -> None:
    error = {"detail": "Expected `int`", "parameter": "limit", "in": "query"}
    peer = Peer(
        problem(422, type="urn:headwater:problem:invalid-request", title="Invalid", errors=[error], request_id="r1"),
        problem(404, detail="There is no such thing."),
        httpx2.Response(502, content=b"<html>"),
    )
    module, client = peer.module, peer.client()
    with pytest.raises(module.InvalidRequest) as raised:
        await client.show_thing(uuid4())
    assert isinstance(raised.value, module.UnprocessableContent)
    assert raised.value.errors == [module.InputError(detail="Expected `int`", parameter="limit", where="query")]
    assert (raised.value.request_id, raised.value.members["title"]) == ("r1", "Invalid")
    with pytest.raises(module.NotFound, match="404 404: There is no such thing"):
        await client.show_thing(uuid4())
    with pytest.raises(module.ApiProblem) as raised:
        await client.show_thing(uuid4())
    assert raised.value.status == 502


async def test_pages_are_followed_to_their_end() -> None:
    peer = Peer(ok({"items": [THING, THING], "next": "c2"}), ok({"items": [THING], "next": None}))
    found = [thing async for thing in peer.client().iterate_things(state="old")]
    assert len(found) == 3
    assert [dict(request.url.params) for request in peer.requests] == [
        {"state": "old"},
        {"state": "old", "cursor": "c2"},
    ]


class Pieces(httpx2.AsyncByteStream):
    def __init__(self, *pieces: bytes | Exception) -> None:
        self.pieces = pieces

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            if isinstance(piece, Exception):
                raise piece
            yield piece


LINE = msgspec.json.encode(THING) + b"\n"


@pytest.mark.parametrize("size", [1, 7, len(LINE), 10_000])
async def test_lines_come_one_by_one_however_they_are_cut(size: int) -> None:
    whole = LINE * 3 + msgspec.json.encode(THING | {"class": "a\u2028b"}) + b"\n"
    pieces = [whole[at : at + size] for at in range(0, len(whole), size)]
    peer = Peer(problem(503, "0"), httpx2.Response(200, stream=Pieces(*pieces)))
    found = [thing async for thing in peer.client().export()]
    assert [thing.class_ for thing in found] == ["fine", "fine", "fine", "a\u2028b"]


async def collect(items: AsyncIterator[Any], found: list[Any]) -> None:
    async for item in items:
        found.append(item)


async def test_a_stream_that_broke_off_raises_the_problem_of_its_last_line() -> None:
    last = msgspec.json.encode({"type": "about:blank", "title": "Gone", "status": 500, "request_id": "r"}) + b"\n"
    for end, status in ((last, 500), (LINE[:10], 200)):
        peer = Peer(httpx2.Response(200, stream=Pieces(LINE, end, httpx2.RemoteProtocolError("cut"))))
        found: list[Any] = []
        with pytest.raises(peer.module.ApiProblem) as raised:
            await collect(peer.client().export(), found)
        assert (len(found), raised.value.status) == (1, status)


async def test_a_receipt_holds_what_came_beside_the_answer() -> None:
    peer = Peer(ok(THING, etag='"7"', **{"x-request-id": "r1", "idempotent-replayed": "true"}), httpx2.Response(301))
    client, receipt = peer.client(), peer.module.Receipt()
    await client.show_thing(uuid4(), receipt=receipt)
    assert (receipt.status, receipt.headers["etag"], receipt.request_id, receipt.replayed) == (200, '"7"', "r1", True)
    assert (await client.label(uuid4())).status_code == 301


def test_a_sync_client_is_the_same_without_waiting() -> None:
    text = write_client(document(), sync=True)
    assert "async" not in text
    assert "await" not in text
    module = load(text)
    answers = [ok({"items": [THING], "next": "c"}), problem(503, "0"), ok({"items": [THING]}), ok(THING, 201)]
    seen = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return answers.pop(0)

    with module.Client(http=httpx2.Client(transport=httpx2.MockTransport(answer), base_url="http://x")) as client:
        assert len(list(client.iterate_things())) == 2
        assert client.add_thing(module.Thing(id=uuid4(), made=datetime.now(UTC))).class_ == "fine"
    assert len(seen) == 4


Day = date
"""The same for a class that has a field `date`."""


def test_names_that_python_has_are_given_another_end() -> None:
    class Odd(msgspec.Struct):
        date: date
        list: int
        from_: int = msgspec.field(name="from")
        other: Annotated[Day, Meta(description="Another.")] = msgspec.field(name="an-other")

    async def list(db: Db, class_: Annotated[int, Meta(description="Kind.")] = 0) -> Odd: ...

    module = load(write_client(document([query("/odd", list, app="store")])))
    assert set(module.Odd.__struct_fields__) == {"date", "list_", "from_", "an_other"}
    assert callable(module.Client.list_)


def test_many_values_have_one_name_wherever_they_stand() -> None:
    Many = Literal[
        "aaaaaaaaaaaa", "bbbbbbbbbbbb", "cccccccccccc", "dddd, eeee", "ffffffffffff", 'gggg"gg', "hhhhhhhhhhhh"
    ]

    class Holder(msgspec.Struct):
        many: Many

    async def list_held(db: Db, many: list[Many] = []) -> list[Holder]: ...  # noqa: B006

    text = write_client(document([query("/held", list_held, app="store")]))
    module = load(text)
    assert "many: list[ListHeldMany] | None = None" in text
    assert text.count("cccccccccccc") == 1
    assert module.ListHeldMany == Many
    assert msgspec.json.decode(b'{"many": "dddd, eeee"}', type=module.Holder).many == "dddd, eeee"
