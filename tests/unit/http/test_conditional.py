"""Conditional requests through the application: what goes out, what is asked first, what is refused at the start."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from headwater.binding import AnnotationMissing, ParameterUnbound
from headwater.clock import follow
from headwater.commit import Tx
from headwater.db import NoRow
from headwater.http import Problem, Request, Response, Route
from headwater.http.route.errors import OptionInvalid
from headwater.http.version import Converter, Versions
from headwater.testing import Clock
from tests.unit.http.support import build, command, compiled, provided, query

AT = datetime(1994, 11, 6, 8, 49, 37, 123456, tzinfo=UTC)
DATE = "Sun, 06 Nov 1994 08:49:37 GMT"


class Task(msgspec.Struct):
    id: int
    title: str = "a"
    revision: int = 7
    changed: datetime = AT
    weight: float = 1.0
    owner: str | None = None


class Other(msgspec.Struct):
    name: str = ""


async def show(id: int) -> Task:
    return Task(id)


async def lock(tx: Tx, id: int) -> Task | None:
    return Task(id) if id else None


async def change(tx: Tx, id: int) -> Task:
    return Task(id, revision=8)


def shown(**options: Any) -> Route:
    return query("/tasks/{id}", show, **({"etag": "revision"} | options))


def changed(handler: Any = change, current: Any = lock, method: str = "PATCH", **options: Any) -> Route:
    return command("/tasks/{id}", handler, method, **({"etag": "revision", "current": current} | options))


async def test_an_answer_carries_its_revision_and_may_be_kept_by_the_client_alone() -> None:
    reply = await build(shown(last_modified="changed")).client.get("/tasks/1")
    assert reply.headers["etag"] == '"7"'
    assert reply.headers["last-modified"] == DATE
    assert reply.headers["cache-control"] == "private, no-cache"


async def test_what_the_client_has_is_not_sent_again() -> None:
    client = build(shown(last_modified="changed")).client
    for method in ("GET", "HEAD"):
        reply = await client.request(method, "/tasks/1", headers={"If-None-Match": '"6", "7"'})
        assert (reply.status, reply.body) == (304, b"")
        fields = {name: reply.headers[name] for name in reply.headers if name not in ("x-request-id", "vary")}
        kept = {name: value for name, value in fields.items() if name in ("etag", "last-modified", "cache-control")}
        assert kept == {"etag": '"7"', "last-modified": DATE, "cache-control": "private, no-cache"}
        assert not fields.keys() & {"content-type", "content-length"}


async def test_without_a_revision_the_answer_is_its_own_state() -> None:
    client = build(shown(etag=True)).client
    first, second = await client.get("/tasks/1"), await client.get("/tasks/2")
    assert first.headers["etag"] != second.headers["etag"]
    known = {"If-None-Match": first.headers["etag"]}
    assert (await client.get("/tasks/1", headers=known)).status == 304
    assert (await client.get("/tasks/2", headers=known)).status == 200


async def test_an_answer_that_the_client_has_is_not_encoded() -> None:
    class Unencodable(msgspec.Struct):
        revision: int
        value: Any

    async def show_it() -> Unencodable:
        return Unencodable(7, object())

    client = build(query("/a", show_it, etag="revision")).client
    assert (await client.get("/a")).status == 500
    assert (await client.get("/a", headers={"If-None-Match": '"7"'})).status == 304


async def test_conditions_given_in_several_headers_are_one_list() -> None:
    app = build(shown()).app
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "path": "/tasks/1",
        "query_string": b"",
        "headers": [(b"host", b"a"), (b"if-none-match", b'"7"'), (b"if-none-match", b'"5"')],
    }
    await app(scope, None, send)
    assert sent[0]["status"] == 304


async def test_a_reader_can_insist_on_a_revision() -> None:
    client = build(shown()).client
    assert (await client.get("/tasks/1", headers={"If-Match": '"7"'})).status == 200
    refused = await client.get("/tasks/1", headers={"If-Match": '"6"'})
    assert (refused.status, refused.headers["content-type"]) == (412, "application/problem+json")


async def test_a_variant_is_part_of_the_tag() -> None:
    async def show_variant(request: Request) -> Task:
        request.add_variant(b"v1")
        request.add_variant(b"f3")
        return Task(1)

    for etag in ("revision", True):
        client = build(query("/a", show_variant, etag=etag)).client
        tag = (await client.get("/a")).headers["etag"]
        assert tag.endswith('+v1+f3"')
        assert (await client.get("/a", headers={"If-None-Match": tag})).status == 304
        assert (await client.get("/a", headers={"If-None-Match": tag.replace("+v1", "+v2")})).status == 200


async def test_how_long_to_keep_an_answer_can_be_declared_with_and_without_a_revision() -> None:
    for options in ({"etag": "revision"}, {"etag": False}):
        reply = await build(shown(cache_control="public, max-age=60", **options)).client.get("/tasks/1")
        assert reply.headers["cache-control"] == "public, max-age=60"


async def test_what_is_not_there_has_no_conditions() -> None:
    async def find(id: int) -> Task:
        raise NoRow(kind="Task", sql="")

    client = build(query("/tasks/{id}", find, etag="revision")).client
    for headers in ({"If-None-Match": "*"}, {"If-Match": '"7"'}):
        assert (await client.get("/tasks/1", headers=headers)).status == 404


async def test_a_response_carries_its_own_headers() -> None:
    async def maybe() -> Task | Response:
        return Response("plain", headers={"ETag": '"mine"'})

    for etag in ("revision", True):
        reply = await build(query("/a", maybe, etag=etag)).client.get("/a", headers={"If-None-Match": '"mine"'})
        assert (reply.status, reply.headers["etag"]) == (200, '"mine"')


async def test_a_revision_that_is_null_is_no_tag() -> None:
    reply = await build(shown(etag="owner")).client.get("/tasks/1")
    assert (reply.status, "etag" in reply.headers) == (200, False)


async def test_a_date_ahead_of_the_clock_is_sent_as_now() -> None:
    clock = Clock(datetime(2040, 1, 1, tzinfo=UTC), frozen=True)

    async def show_future() -> Task:
        return Task(1, changed=clock.now() + timedelta(days=1))

    with follow(clock):
        reply = await build(query("/a", show_future, last_modified="changed")).client.get("/a")
    assert reply.headers["last-modified"] == "Sun, 01 Jan 2040 00:00:00 GMT"


@pytest.mark.parametrize(
    ("id", "headers", "status"),
    [
        (1, {}, 200),
        (1, {"If-Match": '"7"'}, 200),
        (1, {"If-Match": "*"}, 200),
        (1, {"If-Match": '"6"'}, 412),
        (1, {"If-Match": 'W/"7"'}, 412),
        (1, {"If-Match": "7"}, 400),
        (1, {"If-None-Match": "*"}, 412),
        (1, {"If-Unmodified-Since": DATE}, 200),
        (1, {"If-Unmodified-Since": "Sun, 06 Nov 1994 08:49:36 GMT"}, 412),
        (0, {}, 200),
        (0, {"If-Match": '"7"'}, 412),
        (0, {"If-Match": "*"}, 412),
        (0, {"If-None-Match": "*"}, 200),
    ],
)
async def test_a_command_is_held_against_what_is_there(id: int, headers: dict[str, str], status: int) -> None:
    built = build(changed(last_modified="changed"))
    reply = await built.client.patch(f"/tasks/{id}", headers=headers)
    assert reply.status == status
    assert (len(built.committer.committed), len(built.committer.rolled_back)) == ((1, 0) if status == 200 else (0, 1))
    if status == 200:
        assert reply.headers["etag"] == '"8"'


async def test_what_raises_when_nothing_is_there_is_a_404_whatever_the_conditions() -> None:
    async def lock_row(tx: Tx, id: int) -> Task:
        raise NoRow(kind="Task", sql="")

    client = build(changed(current=lock_row)).client
    for headers in ({}, {"If-Match": '"7"'}, {"If-None-Match": "*"}):
        assert (await client.patch("/tasks/1", headers=headers)).status == 404


async def test_a_command_can_demand_a_condition() -> None:
    built = build(changed(if_match="required"))
    refused = await built.client.patch("/tasks/1")
    assert (refused.status, refused.headers["content-type"]) == (428, "application/problem+json")
    assert built.committer.origins == []
    assert (await built.client.patch("/tasks/1", headers={"If-Match": '"7"'})).status == 200
    assert (await built.client.patch("/tasks/0", headers={"If-None-Match": "*"})).status == 200


async def test_a_refusal_is_not_kept_under_the_key_and_a_replay_asks_nothing() -> None:
    revisions = [7]

    async def lock_it(tx: Tx, id: int) -> Task:
        return Task(id, revision=revisions[-1])

    async def change_it(tx: Tx, id: int) -> Task:
        revisions.append(revisions[-1] + 1)
        return Task(id, revision=revisions[-1])

    route = changed(change_it, lock_it, idempotency="optional", if_match="required")
    client = build(route).client
    for headers, status, etag in (
        ({}, 428, None),
        ({"If-Match": '"6"'}, 412, None),
        ({"If-Match": '"7"'}, 200, '"8"'),
        ({"If-Match": '"7"'}, 200, '"8"'),
        ({}, 200, '"8"'),
    ):
        reply = await client.patch("/tasks/1", headers=headers, idempotency_key="k")
        assert (reply.status, reply.headers.get("etag")) == (status, etag)
    assert revisions == [7, 8]


async def test_a_command_without_a_state_refuses_if_match() -> None:
    built = build(command("/tasks/{id}", change))
    assert (await built.client.post("/tasks/1", headers={"If-Match": "*"})).status == 412
    assert built.committer.committed == []


async def test_the_tag_in_the_answer_to_a_put_is_that_of_its_content() -> None:
    reply = await build(changed(method="PUT")).client.put("/tasks/1")
    assert (reply.headers["etag"], reply.headers["content-location"]) == ('"8"', "/tasks/1")


async def test_what_is_removed_is_protected_as_well() -> None:
    async def remove(tx: Tx, id: int) -> None: ...

    client = build(changed(remove, method="DELETE")).client
    assert (await client.delete("/tasks/1", headers={"If-Match": '"6"'})).status == 412
    reply = await client.delete("/tasks/1", headers={"If-Match": '"7"'})
    assert (reply.status, "etag" in reply.headers) == (204, False)


async def test_a_receipt_has_no_tag_of_what_was_changed() -> None:
    async def sign(tx: Tx, id: int) -> Other:
        return Other("ann")

    for etag in ("revision", True):
        reply = await build(changed(sign, etag=etag)).client.patch("/tasks/1")
        assert (reply.status, "etag" in reply.headers) == (200, False)


async def test_what_is_created_has_its_tag_at_once() -> None:
    async def create(tx: Tx) -> Task:
        return Task(1)

    reply = await build(command("/tasks", create, status=201, etag="revision")).client.post("/tasks")
    assert (reply.status, reply.headers["etag"]) == (201, '"7"')


async def test_a_digest_from_reading_protects_an_update() -> None:
    client = build(shown(etag=True), changed(etag=True)).client
    tag = (await client.get("/tasks/1")).headers["etag"]
    assert (await client.patch("/tasks/1", headers={"If-Match": tag})).status == 200
    assert (await client.patch("/tasks/2", headers={"If-Match": tag})).status == 412


async def test_invalid_input_is_said_before_anything_is_locked() -> None:
    async def set_title(tx: Tx, id: int, title: int) -> Task:
        return Task(id)

    built = build(changed(set_title))
    assert (await built.client.patch("/tasks/1?title=x", headers={"If-Match": '"6"'})).status == 422
    assert built.committer.origins == []


async def test_what_is_locked_is_bound_as_a_handler_is() -> None:
    class Asking(msgspec.Struct):
        name: str

    seen: list[Any] = []
    ran: list[str] = []

    async def who(request: Request) -> Asking:
        ran.append("asking")
        return Asking("ann")

    async def what(request: Request) -> Other:
        ran.append("other")
        return Other("x")

    async def lock_theirs(*, asking: Asking, tx: Tx, list: str, urgent: bool = False) -> Task:
        seen.append((asking.name, list, urgent))
        return Task(1)

    async def change_theirs(tx: Tx, other: Other, list: str, id: int, urgent: bool = False) -> Task:
        seen.append((other.name, list, id))
        return Task(id)

    built = build(
        command("/{list}/{id}", change_theirs, etag="revision", current=lock_theirs),
        providers=[provided(Asking, who), provided(Other, what)],
    )
    built.committer.attempts_lost = 1
    reply = await built.client.post("/home/3?urgent=true", headers={"If-Match": '"7"'})
    assert reply.status == 200
    assert seen == [("ann", "home", True), ("x", "home", 3)] * 2
    assert ran == ["other", "asking"]


class OldTask(msgspec.Struct):
    id: int
    name: str


async def test_a_tag_from_an_older_version_is_another_one_and_protects_an_update_all_the_same() -> None:
    def to_old(task: Task) -> OldTask:
        return OldTask(task.id, task.title)

    for etag in ("revision", True):
        client = build(
            shown(etag=etag),
            changed(etag=etag),
            versions=Versions("1", "2"),
            converters=[Converter(version="1", direction="downgrade", convert=to_old)],
        ).client
        old, new = await client.get("/v1/tasks/1"), await client.get("/v2/tasks/1")
        tags = [reply.headers["etag"] for reply in (old, new)]
        assert (old.json(), new.json()["revision"]) == ({"id": 1, "name": "a"}, 7)
        assert tags[0] == tags[1][:-1] + '+v1"'
        for path, known, status in (
            ("/v1/tasks/1", tags[0], 304),
            ("/v1/tasks/1", tags[1], 200),
            ("/v2/tasks/1", tags[1], 304),
            ("/v2/tasks/1", tags[0], 200),
        ):
            assert (await client.get(path, headers={"If-None-Match": known})).status == status
        for path in ("/v1/tasks/1", "/v2/tasks/1"):
            for tag in tags:
                assert (await client.patch(path, headers={"If-Match": tag})).status == 200
        assert (await client.patch("/v1/tasks/2", headers={"If-Match": '"6+v1"'})).status == 412


async def test_what_is_locked_takes_the_body_of_an_older_version_as_the_command_does() -> None:
    class Named(msgspec.Struct):
        id: int

    class OldNamed(msgspec.Struct):
        number: int

    def to_new(old: OldNamed) -> Named:
        return Named(old.number)

    async def lock_named(tx: Tx, named: Named) -> Task:
        return Task(named.id, revision=named.id)

    async def change_named(tx: Tx, named: Named) -> Task:
        return Task(named.id, revision=named.id + 1)

    client = build(
        command("/tasks", change_named, etag="revision", current=lock_named),
        versions=Versions("1", "2"),
        converters=[Converter(version="1", direction="upgrade", convert=to_new)],
    ).client
    for path, body in (("/v1/tasks", {"number": 7}), ("/v2/tasks", {"id": 7})):
        reply = await client.post(path, json=body, headers={"If-Match": '"7"'})
        assert (reply.status, reply.json()["revision"]) == (200, 8)


async def no_tx(id: int) -> Task:
    return Task(id)


async def other(tx: Tx, id: int) -> Other:
    return Other()


async def untyped(tx: Tx, id: int, who) -> Task:  # type: ignore[no-untyped-def]
    return Task(id)


async def unbound(tx: Tx, id: int, who: dict[str, Any]) -> Task:
    return Task(id)


async def wants_body(tx: Tx, id: int, body: Other) -> Task:
    return Task(id)


@pytest.mark.parametrize(
    ("route", "error", "said"),
    [
        (
            shown(etag="version"),
            OptionInvalid,
            "etag='version': the answer has no such field; its fields are: id, title",
        ),
        (shown(etag="weight"), OptionInvalid, "a revision is an int, a str, a UUID or a datetime"),
        (shown(last_modified="title"), OptionInvalid, "it is not a datetime"),
        (query("/a", show, "POST", etag=True), OptionInvalid, "only responses to GET"),
        (shown(current=lock), OptionInvalid, "only a command changes something"),
        (shown(if_match="required"), OptionInvalid, "only a command changes something"),
        (changed(cache_control="public"), OptionInvalid, "only responses of queries"),
        (changed(etag=False), OptionInvalid, "declare with `etag=` or `last_modified=`"),
        (changed(no_tx), OptionInvalid, "the command takes no `tx: Tx`"),
        (changed(current=no_tx), OptionInvalid, "no_tx): current: it takes no `tx: Tx`"),
        (changed(current=other), OptionInvalid, "what `current=` returns has no such field"),
        (changed(current=untyped), AnnotationMissing, "untyped): the parameter `who` has no type"),
        (changed(current=unbound), ParameterUnbound, "unbound): the parameter `who"),
        (changed(current=wants_body), OptionInvalid, "it takes the body, which the command does not"),
        (changed(current=None, if_match="required"), OptionInvalid, "without `current=` there is nothing"),
        (changed(etag=False, last_modified="changed", if_match="required"), OptionInvalid, "there is no ETag to send"),
    ],
)
def test_a_declaration_that_cannot_be_kept_is_refused_at_the_start(
    route: Route, error: type[Exception], said: str
) -> None:
    with pytest.raises(error) as refused:
        compiled(route)
    assert said in str(refused.value)


def test_a_stream_or_a_response_has_no_validators() -> None:
    async def respond() -> Response:
        return Response()

    for route in (query("/a", respond, etag=True), query("/a", respond, cache_control="public")):
        with pytest.raises(OptionInvalid, match="Response"):
            compiled(route)


async def test_problems_have_no_validators() -> None:
    async def refuse(id: int) -> Task:
        raise Problem(403)

    reply = await build(query("/tasks/{id}", refuse, etag="revision")).client.get("/tasks/1")
    assert "etag" not in reply.headers
