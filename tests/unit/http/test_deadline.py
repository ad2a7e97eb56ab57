"""Deadlines: a request that takes too long is stopped and told so, and a command that commits is not."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

import pytest

from headwater.commit import Tx
from headwater.http import Body, endpoint
from headwater.http.load import watch
from headwater.http.route.errors import OptionInvalid
from headwater.settings import Settings
from tests.unit.http.support import Built, build, command, query

SHORT = {"Request-Timeout": "0.01"}


class Endless:
    """A handler that never returns, and notes how it ended."""

    def __init__(self) -> None:
        self.entered = asyncio.Event()
        self.ended: list[str] = []

    async def wait(self) -> str:
        self.entered.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.ended.append("cancelled")
            raise
        return "never"


def endless(**options: Any) -> tuple[Built, Endless]:
    handler = Endless()
    return build(query("/endless", handler.wait, **options)), handler


async def test_a_query_is_stopped_at_the_deadline_of_its_route() -> None:
    built, handler = endless(deadline=0.01)
    reply = await built.client.get("/endless")
    assert (reply.status, handler.ended) == (504, ["cancelled"])
    problem = reply.json()
    assert problem["type"] == "urn:headwater:problem:deadline-passed"
    assert problem["detail"] == "The request was cancelled after 0.01 seconds."
    assert problem["deadline"] == 0.01
    assert 'headwater_http_deadline_misses_total{method="GET",route="/endless"} 1.0' in (
        built.metrics.expose()[1].decode()
    )


async def test_a_deadline_further_away_than_a_look_is_kept_by_the_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(endpoint, "LOOK_SECONDS", 0.01)
    built, _ = endless(deadline=0.05)
    async with built.client as client:
        assert (await client.get("/endless")).status == 504


async def test_the_setting_is_the_deadline_of_routes_that_name_none() -> None:
    handler = Endless()
    built = build(query("/endless", handler.wait), settings=Settings(deadline_seconds=0.01))
    assert (await built.client.get("/endless")).status == 504


async def test_a_client_asks_for_less() -> None:
    built, _ = endless()
    assert (await built.client.get("/endless", headers=SHORT)).json()["deadline"] == 0.01


async def test_a_client_cannot_ask_for_more() -> None:
    built, _ = endless(deadline=0.01)
    assert (await built.client.get("/endless", headers={"Request-Timeout": "60"})).json()["deadline"] == 0.01


async def test_a_client_may_have_a_deadline_where_the_route_has_none() -> None:
    built, _ = endless(deadline=0)
    assert (await built.client.get("/endless", headers=SHORT)).status == 504


@pytest.mark.parametrize(
    "text", ["0", "0.000", "-1", "soon", "1e3", "1.2345", "", "5s", "1, 2", "inf", "nan", "9" * 13]
)
async def test_a_timeout_that_is_no_number_of_seconds_is_a_error(text: str) -> None:
    built, _ = endless()
    reply = await built.client.get("/endless", headers={"Request-Timeout": text})
    assert reply.status == 422
    assert reply.json()["errors"] == [
        {"detail": "Expected a number of seconds, such as 2.5", "parameter": "Request-Timeout", "in": "header"}
    ]


async def test_a_request_that_is_quick_enough_has_nothing_left_of_its_deadline() -> None:
    async def show() -> str:
        return "here"

    built = build(query("/quick", show, deadline=1))
    assert (await built.client.get("/quick", headers={"Request-Timeout": "0.5"})).status == 200
    assert built.app.statistics() | {"running": 0, "timed": 0} == built.app.statistics()


async def test_the_deadline_of_a_stream_is_its_first_item() -> None:
    opened = asyncio.Event()

    async def show() -> AsyncIterator[int]:
        yield 1
        asyncio.get_running_loop().call_later(0.05, opened.set)
        await opened.wait()
        yield 2

    built = build(query("/numbers", show, deadline=0.02))
    assert (await built.client.get("/numbers")).body == b"1\n2\n"


async def test_a_stream_without_a_first_item_is_stopped() -> None:
    async def show() -> AsyncIterator[int]:
        await asyncio.Event().wait()
        yield 1

    built = build(query("/numbers", show, deadline=0.01))
    assert (await built.client.get("/numbers")).status == 504


async def test_a_command_is_stopped_before_its_commit_and_stores_nothing_under_its_key() -> None:
    waits = [asyncio.Event()]

    async def act(tx: Tx) -> str:
        if waits:
            await waits.pop().wait()
        return "done"

    built = build(command("/act", act, idempotency="required", deadline=0.01))
    assert (await built.client.post("/act", idempotency_key="one")).status == 504
    assert built.committer.committed == []
    again = await built.client.post("/act", idempotency_key="one")
    assert (again.status, again.headers.get("Idempotent-Replayed")) == (200, None)


async def test_a_command_that_commits_is_not_stopped() -> None:
    async def act() -> str:
        return "done"

    async def commit_slowly() -> None:
        passed = asyncio.Event()
        asyncio.get_running_loop().call_later(0.05, passed.set)
        await passed.wait()

    built = build(command("/act", act, idempotency="optional", deadline=0.01))
    built.committer.commit = commit_slowly
    assert (await built.client.post("/act", idempotency_key="one")).status == 200
    assert len(built.committer.committed) == 1


async def test_a_command_that_swallows_its_end_commits_nothing_all_the_same() -> None:
    async def act() -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "I go on"
        return "never"

    built = build(command("/act", act, idempotency="required", deadline=0.01))
    assert (await built.client.post("/act", idempotency_key="one")).status == 504
    assert built.committer.committed == []


async def test_a_deadline_during_the_body_closes_the_connection() -> None:
    async def act(body: Annotated[bytes, Body()]) -> str:
        return "done"

    built = build(command("/act", act, idempotency="none", deadline=0.01))
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "path": "/act",
        "query_string": b"",
        "headers": [(b"host", b"x"), (b"content-type", b"application/json")],
    }
    await built.app(scope, receive, send)
    assert sent[0]["status"] == 504
    assert (b"connection", b"close") in sent[0]["headers"]


async def test_an_abandoned_task_is_not_answered_for() -> None:
    built, handler = endless(deadline=60)
    request = asyncio.create_task(built.client.get("/endless"))
    await handler.entered.wait()
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    assert built.app.statistics()["running"] == 0


@pytest.mark.parametrize("deadline", [-1, float("nan"), float("inf"), "5", True])
def test_a_deadline_that_is_none_is_refused_with_its_handler(deadline: Any) -> None:
    with pytest.raises(OptionInvalid, match=r"wait\): deadline=.*number of seconds"):
        endless(deadline=deadline)
