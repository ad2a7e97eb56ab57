"""CSRF: what changes something under a cookie comes from our own page."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from headwater import Bearer, Cookie, Principal, Request, Response, Tx
from headwater.http.browser.csrf import is_origin_of
from headwater.http.message.csrftoken import fits, token_of
from headwater.settings import Settings
from tests.unit.http.support import Built, build, command, query

SESSION = "session-secret-of-ann"
APP = "https://app.example.org"


async def find(db: Any, secret: str) -> Principal | None:
    return Principal("ann") if secret == SESSION else None


async def show_token(request: Request, principal: Principal | None) -> str | None:
    return request.csrf_token


async def save(tx: Tx, request: Request) -> str:
    return "saved"


def with_cookies(**settings: Any) -> Built:
    return build(
        query("/token", show_token),
        command("/save", save),
        command("/save", save, method="DELETE"),
        identify=[Bearer(find), Cookie("session", find)],
        realm="shop",
        settings=Settings(**settings),
    )


HERE = {"Cookie": f"session={SESSION}", "Sec-Fetch-Site": "same-origin", "X-CSRF-Token": token_of(SESSION)}


async def save_with(headers: Mapping[str, str | None], built: Built | None = None, **options: Any) -> Any:
    sent = {name: value for name, value in {**HERE, **headers}.items() if value is not None}
    return await (built or with_cookies()).client.post("/save", headers=sent, **options)


async def test_a_page_of_ours_is_given_a_token_and_may_save_with_it() -> None:
    built = with_cookies()
    token = (await built.client.get("/token", headers={"Cookie": f"session={SESSION}"})).json()
    assert (await save_with({"X-CSRF-Token": token}, built)).status == 200
    assert (await built.client.get("/token")).json() is None


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://testserver"},
        {"Sec-Fetch-Site": None, "Origin": "https://evil.example.org"},
        {"Sec-Fetch-Site": None, "Origin": "null"},
        {"X-CSRF-Token": None},
        {"X-CSRF-Token": ""},
        {"X-CSRF-Token": "x" * 86},
        {"X-CSRF-Token": "ä"},
        {"X-CSRF-Token": token_of("another session")},
    ],
)
async def test_what_another_site_may_have_sent_is_403_and_not_executed(headers: dict[str, str | None]) -> None:
    built = with_cookies()
    reply = await save_with(headers, built)
    assert (reply.status, reply.json()["type"]) == (403, "urn:headwater:problem:cross-site-request")
    assert built.committer.origins == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": None, "Origin": "http://testserver"},
        {"Sec-Fetch-Site": None, "Origin": "https://testserver"},
        {"Sec-Fetch-Site": None},
    ],
)
async def test_what_comes_from_here_is_executed(headers: dict[str, str | None]) -> None:
    assert (await save_with(headers)).status == 200


async def test_an_origin_that_cors_allows_still_needs_the_token() -> None:
    built = with_cookies(cors_origins=(APP,), cors_credentials=True)
    cross = {"Sec-Fetch-Site": "cross-site", "Origin": APP}
    assert (await save_with(cross, built)).status == 200
    assert (await save_with({**cross, "X-CSRF-Token": None}, built)).status == 403


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "Multipart/Form-Data; boundary=x"])
async def test_a_body_that_a_form_can_send_is_403(kind: str) -> None:
    assert (await save_with({"Content-Type": kind}, body=b"a=b")).status == 403
    assert (await save_with({}, body=b"a=b")).status == 403
    assert (await save_with({"Content-Type": "application/json"}, body=b"{}")).status == 200


async def test_every_unsafe_method_is_checked() -> None:
    reply = await with_cookies().client.delete("/save", headers={"Cookie": f"session={SESSION}"})
    assert reply.status == 403


async def test_a_token_of_its_own_or_no_credential_needs_no_check() -> None:
    client = with_cookies().client
    cross = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example.org"}
    assert (await client.post("/save", headers={**cross, "Authorization": f"Bearer {SESSION}"})).status == 200
    both = {**cross, "Authorization": f"Bearer {SESSION}", "Cookie": f"session={SESSION}"}
    assert (await client.post("/save", headers=both)).status == 200
    assert (await client.post("/save", headers=cross)).status == 200


@given(some.text(min_size=1), some.text(min_size=1))
def test_a_token_fits_its_session_and_no_other(session: str, other: str) -> None:
    session, other = session.encode("utf-8", "replace").decode(), other.encode("utf-8", "replace").decode()
    token = token_of(session)
    assert fits(session, token)
    assert fits(other, token) is (session == other)
    assert token != token_of(session)
    assert session not in token or len(session) < 5


@given(some.text(max_size=200))
def test_no_other_text_fits(token: str) -> None:
    assert not fits(SESSION, token)


@pytest.mark.parametrize(
    ("origin", "host", "same"),
    [
        ("https://a.org", "a.org", True),
        ("https://a.org", "a.org:443", True),
        ("https://a.org:8443", "a.org:8443", True),
        ("http://[::1]:8000", "[::1]:8000", True),
        ("https://a.org", "a.org:8443", False),
        ("https://a.org.evil.org", "a.org", False),
        ("https://evil.org#a.org", "a.org", False),
        ("null", "null", False),
        ("", "", False),
        ("https://", "", False),
        ("https://a.org:99999", "a.org", False),
    ],
)
def test_an_origin_is_of_a_host_whichever_the_scheme(origin: str, host: str, same: bool) -> None:
    assert is_origin_of(origin.encode(), host.encode()) is same


@given(some.binary(), some.binary())
def test_whatever_is_compared_nothing_is_raised(origin: bytes, host: bytes) -> None:
    assert is_origin_of(origin, host) in (True, False)


async def test_the_document_names_the_token_where_it_is_wanted() -> None:
    paths = (await with_cookies().client.get("/openapi.json")).json()["paths"]
    named = {name: [each["name"] for each in paths[name][method].get("parameters", ())] for name, method in WANTED}
    assert named == {"/save": ["X-CSRF-Token"], "/token": []}


WANTED = (("/save", "post"), ("/token", "get"))


async def test_a_download_under_a_cookie_is_not_checked() -> None:
    async def draw(principal: Principal) -> Response:
        return Response(b"")

    built = build(query("/", draw), identify=[Cookie("session", find)], realm="shop")
    assert (await built.client.get("/", headers={"Cookie": f"session={SESSION}"})).status == 200
