"""Other ASGI applications under a prefix."""

import asyncio
from typing import Any

import pytest

from headwater.http.serving.lifespan import Lifespan, LifespanFailed
from headwater.http.serving.mount import PrefixInvalid
from headwater.testing.client import Client
from tests.unit.http.support import Built, build, query
from tests.unit.http.test_application import exposed


class Guest:
    """An application that writes down what it is asked."""

    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.scopes: list[dict[str, Any]] = []
        self.heard: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
            return
        self.scopes.append(scope)
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            return
        await send({"type": "http.response.start", "status": self.status, "headers": [(b"X-Request-Id", b"its own")]})
        await send({"type": "http.response.body", "body": b"from the guest"})

    async def _live(self, scope: Any, receive: Any, send: Any) -> None:
        scope["state"]["pool"] = "open"
        while True:
            message = await receive()
            self.heard.append(message["type"])
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return


async def show(id: int) -> int:
    return id


def house(guest: Any, prefix: str = "/guest") -> Built:
    return build(query("/items/{id}", show), query("/guest/{id}", show), mounts={prefix: guest})


@pytest.mark.parametrize("path", ["/guest", "/guest/", "/guest/a/b%2Fc", "/guest/x"])
async def test_what_lies_below_the_prefix_is_handed_over(path: str) -> None:
    guest = Guest()
    async with Client(house(guest).app) as client:
        reply = await client.get(path + "?q=1", headers={"X-Request-Id": "mine"})
    (scope,) = guest.scopes
    assert (reply.text, reply.headers.get_all("x-request-id")) == ("from the guest", ["mine"])
    assert (scope["root_path"], scope["raw_path"], scope["query_string"]) == ("/guest", path.encode(), b"q=1")
    assert scope["state"] == {"pool": "open"}


@pytest.mark.parametrize(("path", "text"), [("/items/1", "1"), ("/guest/7", "7")])
async def test_routes_go_before_mounts(path: str, text: str) -> None:
    assert (await house(Guest()).client.get(path)).text == text


async def test_a_path_that_a_route_has_is_not_handed_over_for_another_method() -> None:
    assert (await house(Guest(), "/").client.delete("/items/1")).status == 405


async def test_what_merely_begins_like_the_prefix_is_not_below_it() -> None:
    assert (await house(Guest()).client.get("/guesthouse")).status == 404


async def test_a_mount_at_the_root_takes_what_no_route_has() -> None:
    guest = Guest()
    reply = await house(guest, "/").client.get("/anything")
    assert reply.text == "from the guest"
    assert guest.scopes[0]["root_path"] == ""


async def test_the_longest_prefix_takes_the_path() -> None:
    outer, inner = Guest(), Guest()
    built = build(mounts={"/a": outer, "/a/b": inner})
    await built.client.get("/a/b/c")
    await built.client.get("/a/c")
    assert [scope["root_path"] for scope in inner.scopes] == ["/a/b"]
    assert [scope["root_path"] for scope in outer.scopes] == ["/a"]


async def test_requests_of_a_mount_are_counted_and_logged_as_its_prefix() -> None:
    built = house(Guest(status=404))
    async with built.client as client:
        for path in ("/guest/a", "/guest/b"):
            await client.get(path)
    assert exposed(built, "headwater_http_requests_total") == {'{method="other",route="/guest/*",status="4xx"}': 2}
    assert [(line["route"], line["status"], line["bytes"]) for line in built.lines] == [("/guest/*", 404, 14)] * 2


async def test_the_lifespan_is_forwarded() -> None:
    guest = Guest()
    async with Client(house(guest).app):
        assert guest.heard == ["lifespan.startup"]
    assert guest.heard == ["lifespan.startup", "lifespan.shutdown"]


async def test_an_application_without_a_lifespan_is_served_all_the_same() -> None:
    async def plain(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body"})

    async with Client(house(plain).app) as client:
        assert (await client.get("/guest/a")).status == 200


async def test_an_application_that_cannot_start_stops_the_start_with_its_reason() -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no licence"})

    with pytest.raises(LifespanFailed, match="no licence"):
        async with Client(house(broken).app):
            raise AssertionError


async def test_an_error_after_the_answer_began_breaks_it_off() -> None:
    async def late(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise RuntimeError("late")

    reply = await house(late).client.get("/guest/a")
    assert (reply.body, reply.complete) == (b"half", False)


@pytest.mark.parametrize(("path", "expected"), [("/guest/ws", "websocket.accept"), ("/ws", "websocket.close")])
async def test_websockets_are_handed_over_or_closed(path: str, expected: str) -> None:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "websocket", "path": path, "raw_path": path.encode(), "headers": [], "root_path": ""}
    await house(Guest()).app(scope, receive, send)
    assert [message["type"] for message in sent] == [expected]


@pytest.mark.parametrize("prefix", ["guest", "/guest/", ""])
def test_a_prefix_that_nothing_lies_below_is_refused(prefix: str) -> None:
    with pytest.raises(PrefixInvalid):
        build(mounts={prefix: Guest()})


async def test_a_lifespan_that_hangs_at_its_end_is_cancelled() -> None:
    cancelled = asyncio.Event()

    async def clinging(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    lifespan = Lifespan(clinging)
    await lifespan.start()
    await lifespan.stop()
    assert cancelled.is_set()


async def test_a_lifespan_that_fails_to_end_says_so() -> None:
    async def failing(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.failed", "message": "still busy"})

    lifespan = Lifespan(failing)
    await lifespan.start()
    with pytest.raises(LifespanFailed, match="still busy"):
        await lifespan.stop()
