"""Security headers on whatever is answered, and the hosts that are answered."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as some

from headwater import Problem, Response
from headwater.http.browser.headers import host_of
from headwater.http.route.errors import OptionInvalid
from headwater.settings import Settings, SettingsError, read_settings
from tests.unit.http.support import Built, build, command, query

BARE = "default-src 'none'; frame-ancestors 'none'"


async def show(id: int) -> int:
    return id


async def save() -> None: ...


async def stream() -> Any: ...


async def fail() -> None:
    raise RuntimeError


async def page() -> Response:
    return Response("<p>", media_type="text/html", headers={"Content-Security-Policy": "default-src 'self'"})


async def plain_page() -> Response:
    return Response("<p>", media_type="text/html; charset=utf-8")


class Note(msgspec.Struct):
    text: str


async def write(note: Note) -> str:
    return note.text


async def mounted(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        return
    if scope["path"].endswith("/fail"):
        raise RuntimeError
    fields = [(b"Content-Type", b"text/html"), (b"X-Frame-Options", b"SAMEORIGIN")]
    await send({"type": "http.response.start", "status": 200, "headers": fields})
    await send({"type": "http.response.body", "body": b"mounted"})


def secured(**settings: Any) -> Built:
    return build(
        query("/items/{id}", show),
        command("/items", save),
        query("/fail", fail),
        query("/page", page),
        query("/plain", plain_page),
        command("/notes", write, body_limit=100),
        command("/long", write, body_limit=3_000_000),
        settings=Settings(**settings),
        mounts={"/mounted": mounted},
    )


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/items/1", 200),
        ("HEAD", "/items/1", 200),
        ("POST", "/items", 204),
        ("GET", "/items/x", 404),
        ("GET", "/items/1?x=1", 422),
        ("DELETE", "/items", 405),
        ("OPTIONS", "/items", 204),
        ("GET", "/nowhere", 404),
        ("GET", "/fail", 500),
        ("GET", "/livez", 200),
        ("GET", "/openapi.json", 200),
    ],
)
async def test_every_answer_of_data_can_neither_run_nor_be_framed(method: str, path: str, status: int) -> None:
    reply = await secured().client.request(method, path)
    assert reply.status == status
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["content-security-policy"] == BARE
    assert reply.headers["x-frame-options"] == "DENY"
    assert reply.headers["referrer-policy"] == "no-referrer"
    assert reply.headers["cross-origin-resource-policy"] == "same-origin"
    assert reply.headers["server"] == "headwater"
    assert "strict-transport-security" not in reply.headers


async def test_a_response_keeps_what_it_says_itself_and_a_page_gets_what_pages_need() -> None:
    client = secured().client
    own, plain = await client.get("/page"), await client.get("/plain")
    assert own.headers["content-security-policy"] == "default-src 'self'"
    assert plain.headers["content-security-policy"] == BARE
    for reply in (own, plain):
        assert reply.headers["cross-origin-opener-policy"] == "same-origin"
        assert "camera=()" in reply.headers["permissions-policy"]


async def test_the_documentation_page_works_under_its_policy() -> None:
    client = secured().client
    reply = await client.get("/docs")
    assert reply.headers["referrer-policy"] == "no-referrer"
    policy = dict(part.strip().split(" ", 1) for part in reply.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert "<style" not in reply.text
    assert 'style="' not in reply.text
    assert "onclick" not in reply.text
    for path in ("/docs/docs.js", "/docs/docs.css", "/openapi.json"):
        assert (await client.get(path)).headers["cross-origin-resource-policy"] == "same-origin"


async def test_a_mounted_application_is_given_what_it_lacks_and_no_policy() -> None:
    client = secured().client
    reply = await client.get("/mounted/x")
    assert reply.headers["x-frame-options"] == "SAMEORIGIN"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert "content-security-policy" not in reply.headers
    failed = await client.get("/mounted/fail")
    assert (failed.status, failed.headers["x-content-type-options"]) == (500, "nosniff")


async def test_a_mounted_application_can_be_left_alone() -> None:
    reply = await secured(mount_headers=False).client.get("/mounted/x")
    assert "x-content-type-options" not in reply.headers


async def test_browsers_are_told_to_come_back_by_tls_when_the_settings_say_so() -> None:
    reply = await secured(hsts_seconds=31_536_000).client.get("/items/1")
    assert reply.headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"


@pytest.mark.parametrize("path", ["/items/1", "/nowhere", "/mounted/x", "/docs"])
@pytest.mark.parametrize(
    ("host", "answered"),
    [
        ("api.example.org", True),
        ("API.example.org:8443", True),
        ("a.b.example.net", True),
        ("example.net", False),
        ("evilexample.net", False),
        ("evil.org", False),
        ("evil.org?.example.net", False),
        ("evil.org\\.example.net", False),
        ("a/b.example.net", False),
        ("a .example.net", False),
        ("api.example.org.evil.org", False),
        ("[::1]:80", True),
        ("[::2]", False),
    ],
)
async def test_a_host_that_is_not_listed_is_421(path: str, host: str, answered: bool) -> None:
    built = secured(hosts=("api.example.org", ".example.net", "[::1]"))
    reply = await built.client.get(path, headers={"Host": host})
    assert (reply.status != 421) is answered
    if not answered:
        assert reply.headers["content-type"] == "application/problem+json"


async def test_probes_are_answered_under_any_host() -> None:
    built = secured(hosts=("api.example.org",))
    assert (await built.client.get("/livez", headers={"Host": "10.0.0.7:8000"})).status == 200


@pytest.mark.parametrize(("host", "taken"), [("api.example.org", True), ("evil.org", False)])
async def test_a_websocket_of_another_host_is_not_handed_over(host: str, taken: bool) -> None:
    handed: list[str] = []
    sent: list[Any] = []

    async def chat(scope: Any, receive: Any, send: Any) -> None:
        handed.append(scope["type"])

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message["type"])

    built = build(settings=Settings(hosts=("api.example.org",)), mounts={"/chat": chat})
    scope = {"type": "websocket", "path": "/chat", "headers": [(b"host", host.encode())], "query_string": b""}
    await built.app(scope, receive, send)
    assert (handed, sent) == ((["websocket"], []) if taken else ([], ["websocket.close"]))


@pytest.mark.parametrize("hosts", ["https://a.org", "a.org:80", "a org", "*", "a..b"])
def test_what_is_no_host_is_refused_at_the_start(hosts: str) -> None:
    with pytest.raises(SettingsError, match="HEADWATER_HOSTS"):
        read_settings({"HEADWATER_HOSTS": hosts})


@given(some.from_regex(r"[a-z0-9.-]{1,20}", fullmatch=True), some.integers(0, 65535))
def test_a_port_is_no_part_of_a_host(host: str, port: int) -> None:
    assert host_of(f"{host.upper()}:{port}".encode()) == host_of(host.encode()) == host.encode()


async def test_a_route_has_a_body_limit_of_its_own() -> None:
    client = secured().client
    refused = await client.post("/notes", json={"text": "x" * 100})
    assert (refused.status, refused.json()["limit"]) == (413, 100)
    assert (await client.post("/notes", json={"text": "x" * 50})).status == 200
    assert (await client.post("/long", json={"text": "x" * 2_000_000})).status == 200


def test_a_body_limit_is_a_number_of_bytes() -> None:
    with pytest.raises(OptionInvalid, match="body_limit=0"):
        build(command("/", write, body_limit=0))


def test_a_problem_that_is_raised_has_them_as_well() -> None:
    assert Problem(421).title == "Misdirected Request"
