"""What every request passes through: methods, identifiers, counting, health, ending."""

import asyncio
import errno
import os
import re
from pathlib import Path
from typing import Any

import pytest

from headwater.commit import Tx
from headwater.http import HttpApp, Problem, Request
from headwater.http.load import watch as watching
from headwater.observe import Metrics
from headwater.settings import Settings
from headwater.testing.client import Client
from tests.unit.http.support import Built, build, command, compiler, query, services


async def show(id: int) -> int:
    return id


async def save(tx: Tx) -> None: ...


def shop(**options: Any) -> Built:
    return build(query("/items/{id}", show), command("/items", save), **options)


def exposed(built: Built, name: str) -> dict[str, float]:
    """The samples of a metric, by their labels."""
    _, text = built.metrics.expose()
    lines = re.findall(rf"^{name}(\{{.*\}})? (.*)$", text.decode(), re.MULTILINE)
    return {labels: float(value) for labels, value in lines}


@pytest.mark.parametrize(("path", "allow"), [("/items/1", "GET, HEAD, OPTIONS"), ("/items", "OPTIONS, POST")])
async def test_options_and_405_name_the_methods(path: str, allow: str) -> None:
    client = shop().client
    options, refused = await client.options(path), await client.patch(path)
    assert (options.status, options.headers["allow"], options.body) == (204, allow, b"")
    assert (refused.status, refused.headers["allow"]) == (405, allow)


async def test_options_about_the_server_names_all_methods() -> None:
    reply = await shop().client.options("*")
    assert (reply.status, reply.headers["allow"]) == (204, "GET, HEAD, OPTIONS, POST")


async def test_every_answer_has_the_request_id() -> None:
    client = shop().client
    for path in ("/items/1", "/nowhere", "/livez", "/openapi.json"):
        reply = await client.get(path, headers={"X-Request-Id": "mine"})
        assert reply.headers["x-request-id"] == "mine"
    made = [(await client.get("/items/1")).headers["x-request-id"] for _ in range(2)]
    assert made[0] != made[1]


async def test_requests_are_counted_by_route_method_and_status_class() -> None:
    built = shop()
    for path in ("/items/1", "/items/2", "/items/x", "/a", "/b", "/items/1?x=1"):
        await built.client.get(path)
    await built.client.head("/items/1")
    await built.client.post("/items")
    await built.client.request("BREW", "/items/1")
    assert exposed(built, "headwater_http_requests_total") == {
        '{method="GET",route="/items/{id}",status="2xx"}': 2,
        '{method="GET",route="/items/{id}",status="4xx"}': 1,
        '{method="HEAD",route="/items/{id}",status="2xx"}': 1,
        '{method="POST",route="/items",status="2xx"}': 1,
        '{method="other",route="unmatched",status="4xx"}': 4,
    }
    assert exposed(built, "headwater_http_request_duration_seconds_count")['{method="GET",route="/items/{id}"}'] == 3
    assert exposed(built, "headwater_http_requests_in_flight") == {"": 0}


async def test_a_scrape_of_one_worker_shows_the_requests_of_all(tmp_path: Path) -> None:
    workers = [Metrics(f"web {number}", tmp_path) for number in (1, 2)]
    apps = [
        HttpApp([query("/items/{id}", show)], compiler(), services({Metrics: m, Settings: Settings(log_level="error")}))
        for m in workers
    ]
    for app, requests in zip(apps, (1, 2), strict=True):
        for _ in range(requests):
            await Client(app).get("/items/1")
    text = workers[0].expose()[1].decode()
    assert 'headwater_http_requests_total{method="GET",route="/items/{id}",status="2xx"} 3.0' in text
    for metrics in workers:
        metrics.close()


async def test_unexpected_failures_are_counted_by_exception() -> None:
    async def fail() -> int:
        raise KeyError("x")

    built = build(query("/fail", fail))
    await built.client.get("/fail")
    assert exposed(built, "headwater_http_failures_total") == {'{exception="KeyError",method="GET",route="/fail"}': 1}


async def test_metrics_are_not_for_the_public() -> None:
    assert (await shop().client.get("/metrics")).status == 404


async def test_a_route_that_the_disk_has_no_room_for_is_served_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    metrics = Metrics("web 1", tmp_path)
    monkeypatch.setattr(os, "write", no_room)
    given = services({Metrics: metrics, Settings: Settings(log_level="error")})
    app = HttpApp([query("/items/{id}", show)], compiler(), given)
    assert (await Client(app).get("/items/1")).status == 200
    metrics.close()


def no_room(descriptor: int, line: bytes) -> int:
    raise OSError(errno.ENOSPC, "No space left on device")


async def test_each_request_is_one_line() -> None:
    built = shop()
    async with built.client as client:
        reply = await client.get(
            "/items/1?token=secret", headers={"User-Agent": "me", "Authorization": "Bearer secret"}
        )
        await client.get("/nowhere")
        await client.get("/livez")
    line, missed = built.lines
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("at"))
    assert 0 <= line.pop("ms") < 10_000
    request_id = reply.headers["x-request-id"]
    assert line == {
        "level": "info",
        "process": "web 1",
        "event": "Request",
        "method": "GET",
        "path": "/items/1",
        "route": "/items/{id}",
        "status": 422,
        "bytes": len(reply.body),
        "request_id": request_id,
        "trace_id": request_id,
        "principal": None,
        "client": "127.0.0.1",
        "agent": "me",
    }
    assert (missed["route"], missed["status"]) == ("unmatched", 404)


async def test_a_line_stays_within_bounds_and_on_its_line() -> None:
    built = shop()
    async with built.client as client:
        await client.get("/" + "x" * 10_000, headers={"User-Agent": 'a"\x1b[31m' + "y" * 10_000})
    (line,) = built.lines
    assert len(line["path"]) < 600
    assert len(line["agent"]) < 600


async def test_lines_are_written_without_waiting_for_more() -> None:
    built = shop()
    await built.client.get("/items/1")
    await asyncio.wait_for(built.log.written.wait(), 5)
    assert [line["path"] for line in built.lines] == ["/items/1"]


async def test_a_level_above_info_logs_no_requests() -> None:
    built = shop(settings=Settings(log_level="warning"))
    async with built.client as client:
        await client.get("/items/1")
    assert built.lines == []


async def test_probes_tell_living_starting_and_ready_apart() -> None:
    missing: list[str] = ["PostgreSQL is gone"]

    async def readiness() -> list[str]:
        return missing

    built = shop(readiness=readiness)
    statuses = [(await built.client.get(path)).status for path in ("/livez", "/startupz", "/readyz")]
    assert statuses == [200, 503, 503]
    async with built.client as client:
        assert (await client.get("/startupz")).status == 200
        reply = await client.get("/readyz")
        assert (reply.status, reply.json()["missing"]) == (503, missing)
        missing.clear()
        reply = await client.get("/readyz?probe=1")
        assert (reply.status, reply.headers["cache-control"]) == (200, "no-store")
        built.app.leave()
        assert (await client.get("/readyz")).json()["missing"] == ["the process is draining"]
        assert (await client.get("/livez")).status == 200


class Gate:
    """A handler that waits until it is let through."""

    def __init__(self) -> None:
        self.entered = asyncio.Event()
        self.opened = asyncio.Event()
        self.ended = ""

    async def query(self) -> int:
        return await self._pass()

    async def command(self, tx: Tx) -> int:
        return await self._pass()

    async def _pass(self) -> int:
        self.entered.set()
        try:
            await self.opened.wait()
        except asyncio.CancelledError:
            self.ended = "cancelled"
            raise
        self.ended = "through"
        return 1


async def test_draining_waits_for_what_is_in_flight() -> None:
    gate = Gate()
    built = build(query("/gate", gate.query))
    asking = asyncio.create_task(built.client.get("/gate"))
    await gate.entered.wait()
    assert built.app.statistics()["in_flight"] == 1
    draining = asyncio.create_task(built.app.drain())
    await asyncio.sleep(0)
    assert not draining.done()
    gate.opened.set()
    reply = await asking
    await draining
    assert (reply.status, reply.headers["connection"]) == (200, "close")
    assert built.app.in_flight == 0


async def test_draining_stops_queries_that_take_too_long_with_an_answer() -> None:
    gate = Gate()
    built = build(query("/gate", gate.query))
    asking = asyncio.create_task(built.client.get("/gate"))
    await gate.entered.wait()
    await built.app.drain(0.001)
    reply = await asking
    assert (reply.status, reply.headers["retry-after"]) == (503, "1")
    assert gate.ended == "cancelled"


async def test_draining_never_stops_a_command() -> None:
    gate = Gate()
    built = build(command("/gate", gate.command))
    asking = asyncio.create_task(built.client.post("/gate"))
    await gate.entered.wait()
    await built.app.drain(0.001)
    assert gate.ended == ""
    gate.opened.set()
    assert (await asking).status == 200


@pytest.mark.parametrize(("status", "connection"), [(408, "close"), (413, "close"), (409, None)])
async def test_an_answer_behind_which_a_body_may_still_come_is_the_last_of_its_connection(
    status: int, connection: str | None
) -> None:
    async def refuse() -> None:
        raise Problem(status)

    reply = await build(command("/things", refuse, idempotency="none")).client.post("/things")
    assert (reply.status, reply.headers.get("connection")) == (status, connection)


def leaving(gone: asyncio.Event, watched: asyncio.Event) -> Any:
    """A client that sends its request and goes away when told; `watched` says that somebody waits for that."""
    messages = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> dict[str, Any]:
        if messages:
            return messages.pop()
        watched.set()
        await gone.wait()
        return {"type": "http.disconnect"}

    return receive


async def answer_to(
    built: Built, method: str, path: str, gone: asyncio.Event, watched: asyncio.Event | None = None
) -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"host", b"x")],
        "http_version": "1.1",
    }
    await built.app(scope, leaving(gone, watched or asyncio.Event()), send)
    return sent


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "LOOK_SECONDS", 0.01)


@pytest.mark.usefixtures("impatient")
async def test_a_query_stops_when_its_client_has_gone() -> None:
    gate, gone = Gate(), asyncio.Event()
    built = build(query("/gate", gate.query))
    async with built.client:
        asking = asyncio.create_task(answer_to(built, "GET", "/gate", gone))
        await gate.entered.wait()
        gone.set()
        assert await asking == []
    assert gate.ended == "cancelled"
    assert [line["status"] for line in built.lines] == [499]
    assert built.app.in_flight == 0
    assert built.app.statistics()["watched"] == 0


@pytest.mark.usefixtures("impatient")
async def test_a_command_goes_on_when_its_client_has_gone() -> None:
    gate, gone = Gate(), asyncio.Event()
    gone.set()
    built = build(command("/gate", gate.command), query("/other", Gate().query))
    async with built.client:
        asking = asyncio.create_task(answer_to(built, "POST", "/gate", gone))
        other = asyncio.create_task(answer_to(built, "GET", "/other", gone))
        await gate.entered.wait()
        await other  # by now the watch has looked
        gate.opened.set()
        await asking
    assert gate.ended == "through"
    assert len(built.committer.committed) == 1


@pytest.mark.usefixtures("impatient")
async def test_a_slow_query_of_a_patient_client_is_answered() -> None:
    gate, gone, watched = Gate(), asyncio.Event(), asyncio.Event()
    built = build(query("/gate", gate.query))
    async with built.client:
        asking = asyncio.create_task(answer_to(built, "GET", "/gate", gone, watched))
        await asyncio.wait_for(watched.wait(), 5)
        assert built.app.statistics()["watched"] == 1
        gate.opened.set()
        assert [message["type"] for message in await asking] == ["http.response.start", "http.response.body"]
    assert built.app.statistics()["watched"] == 0


async def test_whoever_cancels_a_request_from_outside_is_obeyed() -> None:
    gate = Gate()
    built = build(query("/gate", gate.query))
    asking = asyncio.create_task(built.client.get("/gate"))
    await gate.entered.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert built.app.in_flight == 0


async def test_a_body_that_breaks_off_is_a_bad_request_for_whoever_still_listens() -> None:
    async def read(request: Request) -> int:
        return len(await request.body())

    built = build(query("/read", read, method="POST"))
    async with built.client:
        gone = asyncio.Event()
        gone.set()
        receive = leaving(gone, asyncio.Event())
        await receive()
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": "POST",
            "path": "/read",
            "query_string": b"",
            "headers": [(b"host", b"x")],
            "http_version": "1.1",
        }
        await built.app(scope, receive, send)
    assert [message.get("status") for message in sent] == [400, None]
    assert [line["status"] for line in built.lines] == [499]


async def test_a_request_answers_what_a_handler_asks_of_it() -> None:
    async def tell(request: Request) -> dict[str, Any]:
        return {
            "method": request.method,
            "path": request.path,
            "query": request.query,
            "client": request.client,
            "agent": request.headers["USER-AGENT"],
            "many": request.headers["x-many"],
            "none": request.headers.get("x-none"),
            "json": await request.json(),
            "again": len(await request.body()),
        }

    built = build(query("/tell", tell, method="POST"))
    reply = await built.client.post("/tell?a=1", json=[1], headers={"User-Agent": "me", "X-Many": "a, b"})
    assert reply.json() == {
        "method": "POST",
        "path": "/tell",
        "query": {"a": ["1"]},
        "client": "127.0.0.1",
        "agent": "me",
        "many": "a, b",
        "none": None,
        "json": [1],
        "again": 3,
    }


async def test_the_client_of_the_test_kit_runs_the_lifespan() -> None:
    built = shop()
    async with Client(built.app, headers={"X-Request-Id": "mine"}) as client:
        assert built.app.health.started
        assert (await client.get("/items/1")).headers["x-request-id"] == "mine"
