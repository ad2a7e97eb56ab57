"""CORS: which pages may read answers, and what they may ask."""

from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from headwater import ApiKey, Header, Problem
from headwater.http.browser.cors import EXPOSED
from headwater.settings import Settings, SettingsError, read_settings
from tests.unit.http.support import Built, build, command, query

APP, OTHER = "https://app.example.org", "https://evil.example.org"


async def show(id: int) -> int:
    return id


async def save(tenant: Annotated[str, Header("X-Tenant")] = "") -> None: ...


async def fail() -> None:
    raise Problem(409)


async def find(db: Any, secret: str) -> None:
    return None


async def mounted(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "http":
        fields = [(b"content-type", b"text/plain"), (b"vary", b"Accept")]
        await send({"type": "http.response.start", "status": 200, "headers": fields})
        await send({"type": "http.response.body", "body": b"mounted"})


def open_to(*origins: str, credentials: bool = False, **options: Any) -> Built:
    settings = Settings(cors_origins=origins, cors_credentials=credentials)
    return build(
        query("/items/{id}", show),
        query("/fail", fail),
        command("/items", save),
        settings=settings,
        mounts={"/mounted": mounted},
        identify=[ApiKey("X-My-Key", find)],
        realm="shop",
        **options,
    )


PATHS = ["/items/1", "/items/x", "/fail", "/nowhere", "/mounted/x", "/livez", "/docs", "/openapi.json"]


@pytest.mark.parametrize("path", PATHS)
async def test_a_page_of_a_listed_origin_may_read_every_answer(path: str) -> None:
    reply = await open_to(APP).client.get(path, headers={"Origin": APP})
    assert reply.headers["access-control-allow-origin"] == APP
    assert reply.headers["access-control-expose-headers"] == ", ".join(EXPOSED)
    assert "access-control-allow-credentials" not in reply.headers


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("origin", [OTHER, "null", APP + ":8443", APP + ".evil.org", "http://app.example.org", ""])
async def test_any_other_page_may_read_none(path: str, origin: str) -> None:
    reply = await open_to(APP).client.get(path, headers={"Origin": origin})
    assert not [name for name in reply.headers if name.startswith("access-control")]
    assert "Origin" in reply.headers["vary"]


@given(some.text(some.characters(min_codepoint=1, max_codepoint=255)))
async def test_only_the_very_origin_is_granted(origin: str) -> None:
    reply = await open_to(APP, "http://localhost:3000").client.get("/items/1", headers={"Origin": origin})
    granted = reply.headers.get("access-control-allow-origin")
    assert granted == (origin if origin in (APP, "http://localhost:3000") else None)


@pytest.mark.parametrize("path", PATHS)
async def test_every_answer_depends_on_the_origin_also_without_one(path: str) -> None:
    reply = await open_to(APP).client.get(path)
    assert "Origin" in reply.headers["vary"].split(", ")


@pytest.mark.parametrize("path", PATHS)
async def test_without_origins_in_the_settings_no_field_of_cors_is_sent(path: str) -> None:
    reply = await open_to().client.get(path, headers={"Origin": APP})
    assert not [name for name in reply.headers if name.startswith("access-control")]
    assert "Origin" not in reply.headers.get("vary", "")


async def test_credentials_are_allowed_only_when_the_settings_say_so() -> None:
    reply = await open_to(APP, credentials=True).client.get("/items/1", headers={"Origin": APP})
    assert reply.headers["access-control-allow-credentials"] == "true"


async def test_any_origin_goes_without_credentials() -> None:
    reply = await open_to("*").client.get("/items/1", headers={"Origin": OTHER})
    assert reply.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in reply.headers


async def preflight(built: Built, path: str, origin: str = APP, method: str = "POST") -> Any:
    headers = {"Origin": origin, "Access-Control-Request-Method": method}
    return await built.client.options(path, headers=headers)


async def test_a_preflight_is_answered_before_anybody_is_identified() -> None:
    reply = await preflight(open_to(APP), "/items")
    assert (reply.status, reply.body) == (204, b"")
    assert reply.headers["access-control-allow-origin"] == APP
    assert reply.headers["access-control-allow-methods"] == "OPTIONS, POST"
    assert reply.headers["access-control-max-age"] == "7200"
    accepted = reply.headers["access-control-allow-headers"].split(", ")
    wanted = {"Authorization", "Content-Type", "Idempotency-Key", "If-Match", "X-My-Key", "X-Tenant", "X-CSRF-Token"}
    assert wanted <= set(accepted)


async def test_a_preflight_from_elsewhere_is_granted_nothing() -> None:
    reply = await preflight(open_to(APP), "/items", OTHER)
    assert reply.status == 204
    assert not [name for name in reply.headers if name.startswith("access-control")]


async def test_a_preflight_where_nothing_is_is_404() -> None:
    assert (await preflight(open_to(APP), "/nowhere")).status == 404


async def test_a_mounted_application_is_asked_no_preflight() -> None:
    reply = await preflight(open_to(APP), "/mounted/x", method="PATCH")
    assert (reply.status, reply.headers["access-control-allow-methods"]) == (204, "PATCH")


async def test_options_that_is_no_preflight_says_what_there_is() -> None:
    reply = await open_to(APP).client.options("/items", headers={"Origin": APP})
    assert (reply.status, reply.headers["allow"]) == (204, "OPTIONS, POST")


@pytest.mark.parametrize(
    "origins",
    ["null", "https://a.org/", "https://A.org", "a.org", "https://a.org/x", "https://*.a.org", "https://a.org:"],
)
def test_what_no_browser_sends_as_an_origin_is_refused_at_the_start(origins: str) -> None:
    with pytest.raises(SettingsError, match="HEADWATER_CORS_ORIGINS"):
        read_settings({"HEADWATER_CORS_ORIGINS": f"https://fine.org,{origins}"})


def test_origins_are_listed_with_commas() -> None:
    settings = read_settings({"HEADWATER_CORS_ORIGINS": "https://a.org, http://localhost:3000,"})
    assert settings.cors_origins == ("https://a.org", "http://localhost:3000")


def test_any_origin_with_credentials_is_refused_at_the_start() -> None:
    with pytest.raises(SettingsError, match="each origin must be named"):
        read_settings({"HEADWATER_CORS_ORIGINS": "*", "HEADWATER_CORS_CREDENTIALS": "true"})
