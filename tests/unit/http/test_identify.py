"""Who asks: credentials, principals, and what a route lets in."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from headwater import ApiKey, App, Backend, Bearer, Cookie, Db, Principal, Tx, digest_secret
from headwater.http import Authenticator, Request, Response
from headwater.http.authentication.credential import CredentialInvalid, quoted
from headwater.http.route.errors import AuthenticationMissing, OptionInvalid
from tests.unit.http.support import Built, build, command, query


class Robot(Principal, frozen=True):
    model: str = "R1"


ANN = Principal("ann", tenant="north", scopes=("tasks:read",))
BOB = Principal("bob")
KNOWN = {"ann-secret": ANN, "bob-secret": BOB, "robot-secret": Robot("r1")}


async def find(db: Db, secret: str) -> Principal | None:
    return KNOWN.get(secret)


async def show_me(principal: Principal) -> dict[str, Any]:
    return {"id": principal.id, "tenant": principal.tenant}


async def greet(principal: Principal | None) -> str:
    return principal.id if principal else "stranger"


async def rust(robot: Robot) -> str:
    return robot.model


async def show_tasks() -> list[str]:
    return []


async def add_task(tx: Tx) -> str:
    return "added"


def identified(*credentials: Any, realm: str = "shop", **options: Any) -> Built:
    return build(
        query("/me", show_me),
        query("/greeting", greet),
        query("/rust", rust),
        query("/tasks", show_tasks, scopes=("tasks:read",)),
        query("/open", show_tasks),
        command("/tasks", add_task, idempotency="optional"),
        identify=credentials or (Bearer(find), ApiKey("X-Api-Key", find), Cookie("session", find)),
        realm=realm,
        **options,
    )


BEARER_ANN = {"Authorization": "Bearer ann-secret"}
BEARER_BOB = {"Authorization": "Bearer bob-secret"}


@pytest.mark.parametrize(
    "headers",
    [
        BEARER_ANN,
        {"Authorization": "bearer  ann-secret"},
        {"X-Api-Key": "ann-secret"},
        {"Cookie": "theme=dark; session=ann-secret; a=b"},
        {"Cookie": 'session="ann-secret"'},
        {**BEARER_ANN, "X-Api-Key": "ann-secret", "Cookie": "session=ann-secret"},
    ],
)
async def test_a_handler_receives_who_asks_whatever_the_credential(headers: dict[str, str]) -> None:
    reply = await identified().client.get("/me", headers=headers)
    assert (reply.status, reply.json()) == (200, {"id": "ann", "tenant": "north"})


async def test_where_a_principal_is_needed_nobody_is_401_with_every_challenge() -> None:
    reply = await identified().client.get("/me")
    assert (reply.status, reply.headers["content-type"]) == (401, "application/problem+json")
    assert reply.headers["www-authenticate"] == (
        'Bearer realm="shop", ApiKey realm="shop", header="X-Api-Key", Cookie realm="shop", cookie-name="session"'
    )


@pytest.mark.parametrize("path", ["/me", "/greeting", "/tasks"])
@pytest.mark.parametrize("token", ["wrong", "", "white space", "a,b", "ann-secret\x7f", "é", "x" * 9000])
async def test_a_wrong_bearer_token_is_401_even_where_none_is_needed(path: str, token: str) -> None:
    reply = await identified().client.get(path, headers={"Authorization": f"Bearer {token}"})
    assert reply.status == 401
    assert reply.headers["www-authenticate"] == 'Bearer realm="shop", error="invalid_token"'


async def test_a_wrong_api_key_is_401_with_its_own_challenge() -> None:
    reply = await identified().client.get("/greeting", headers={"X-Api-Key": "wrong"})
    assert reply.headers["www-authenticate"] == 'ApiKey realm="shop", header="X-Api-Key", error="invalid_token"'


@pytest.mark.parametrize("cookie", ["session=ended", "session=", "session=ann-secret; session=bob-secret", "sessio=x"])
async def test_a_cookie_that_is_nobodys_counts_as_none(cookie: str) -> None:
    client = identified().client
    assert (await client.get("/greeting", headers={"Cookie": cookie})).json() == "stranger"
    assert (await client.get("/me", headers={"Cookie": cookie})).status == 401


async def test_another_scheme_of_authorization_is_not_ours() -> None:
    client = identified().client
    assert (await client.get("/greeting", headers={"Authorization": "Basic YTpi"})).json() == "stranger"


async def test_credentials_of_two_principals_are_400() -> None:
    reply = await identified().client.get("/me", headers={**BEARER_ANN, "X-Api-Key": "bob-secret"})
    assert (reply.status, reply.json()["type"]) == (400, "urn:headwater:problem:credentials-clash")


async def test_one_wrong_credential_beside_a_right_one_is_401() -> None:
    assert (await identified().client.get("/me", headers={**BEARER_ANN, "X-Api-Key": "wrong"})).status == 401


async def test_authorization_given_twice_is_400() -> None:
    built = identified()
    scope = request_scope([(b"authorization", b"Bearer ann-secret"), (b"authorization", b"Bearer bob-secret")])
    assert await status_of(built, scope) == 400


async def test_a_principal_of_another_kind_is_403() -> None:
    client = identified().client
    assert (await client.get("/rust", headers={"X-Api-Key": "robot-secret"})).json() == "R1"
    assert (await client.get("/rust", headers=BEARER_ANN)).status == 403


async def test_a_scope_that_the_credential_lacks_is_403_and_named() -> None:
    client = identified().client
    assert (await client.get("/tasks", headers=BEARER_ANN)).status == 200
    reply = await client.get("/tasks", headers=BEARER_BOB)
    assert (reply.status, reply.json()["type"]) == (403, "urn:headwater:problem:insufficient-scope")
    assert reply.json()["scopes"] == ["tasks:read"]
    challenge = 'Bearer realm="shop", error="insufficient_scope", scope="tasks:read"'
    assert reply.headers["www-authenticate"] == challenge
    assert (await client.get("/tasks")).status == 401


async def test_a_route_that_needs_nobody_looks_at_no_credential() -> None:
    assert (await identified().client.get("/open", headers={"Authorization": "Bearer wrong"})).status == 200


async def test_who_asks_is_looked_up_once_a_request() -> None:
    calls: list[str] = []

    async def find_counted(db: Db, secret: str) -> Principal | None:
        calls.append(secret)
        return ANN

    async def compare(mine: Principal, same: Principal | None, request: Request) -> bool:
        return mine is same is request.principal

    built = build(query("/", compare), identify=[Bearer(find_counted)], realm="shop")
    assert (await built.client.get("/", headers=BEARER_ANN)).json() is True
    assert calls == ["ann-secret"]


async def test_a_command_knows_whose_doing_it_is() -> None:
    built = identified()
    await built.client.post("/tasks", headers=BEARER_ANN)
    await built.client.post("/tasks")
    assert [origin.actor for origin in built.committer.origins] == ["ann", None]


async def test_two_principals_with_one_idempotency_key_do_not_meet() -> None:
    built = identified()
    for headers in (BEARER_ANN, BEARER_BOB, {}):
        reply = await built.client.post("/tasks", headers=headers, idempotency_key="k")
        assert "idempotent-replayed" not in reply.headers
    replayed = await built.client.post("/tasks", headers=BEARER_ANN, idempotency_key="k")
    assert replayed.headers["idempotent-replayed"] == "true"


async def test_answers_to_somebody_are_kept_by_no_cache() -> None:
    async def draw(principal: Principal | None, hours: int | None = None) -> Response:
        return Response(b"", headers={"Cache-Control": f"private, max-age={hours * 3600}"} if hours else {})

    client = build(query("/", draw), identify=[Bearer(find)], realm="shop").client
    assert (await client.get("/", headers=BEARER_ANN)).headers["cache-control"] == "no-store"
    assert (await client.get("/?hours=1", headers=BEARER_ANN)).headers["cache-control"] == "private, max-age=3600"
    assert "cache-control" not in (await client.get("/")).headers


async def test_the_access_log_names_the_principal_and_never_the_secret() -> None:
    built = identified()
    await built.client.get("/me", headers=BEARER_ANN)
    await built.client.get("/me", headers={"Authorization": "Bearer mistyped-secret"})
    assert built.app._log is not None
    built.app._log.flush()
    assert [line["principal"] for line in built.lines] == ["ann", None]
    assert b"secret" not in b"".join(built.log.pieces)


async def test_the_document_says_which_credential_each_operation_wants() -> None:
    document = (await identified().client.get("/openapi.json")).json()
    assert document["components"]["securitySchemes"] == {
        "bearer": {"type": "http", "scheme": "bearer"},
        "apiKey": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
        "cookie": {"type": "apiKey", "in": "cookie", "name": "session"},
    }
    paths = document["paths"]
    assert paths["/me"]["get"]["security"] == [{"bearer": []}, {"apiKey": []}, {"cookie": []}]
    assert paths["/greeting"]["get"]["security"] == [{}, {"bearer": []}, {"apiKey": []}, {"cookie": []}]
    assert paths["/tasks"]["get"]["security"][0] == {"bearer": ["tasks:read"]}
    assert "security" not in paths["/open"]["get"]
    assert {"401", "403"} <= paths["/me"]["get"]["responses"].keys()


def test_a_principal_that_nothing_can_find_is_an_error_at_the_start() -> None:
    with pytest.raises(AuthenticationMissing, match=r"`principal` is a Principal, but no authentication is configured"):
        build(query("/me", show_me))
    with pytest.raises(AuthenticationMissing, match="scopes="):
        build(query("/tasks", show_tasks, scopes=("a",)))


@pytest.mark.parametrize("scopes", ["tasks:read", ("tasks read",), ("",), ('"',)])
def test_scopes_are_a_tuple_of_words(scopes: Any) -> None:
    with pytest.raises(OptionInvalid, match="tuple of scopes"):
        build(query("/tasks", show_tasks, scopes=scopes), identify=[Bearer(find)], realm="shop")


def test_a_credential_that_cannot_be_sent_is_refused() -> None:
    for made in (lambda: ApiKey("X Key", find), lambda: ApiKey("Cookie", find), lambda: Cookie("a=b", find)):
        with pytest.raises(CredentialInvalid):
            made()


def test_a_backend_takes_one_credential_or_several() -> None:
    app = App("shop")
    app.command("POST /tasks")(add_task)
    ways: list[Any] = [Bearer(find), [ApiKey("A", find), ApiKey("B", find)], ()]
    documents = [Backend(app, identify=each).openapi() for each in ways]
    assert [list(each["components"].get("securitySchemes", ())) for each in documents] == [
        ["bearer"],
        ["apiKey", "apiKey2"],
        [],
    ]


def test_a_digest_of_a_secret_is_its_sha_256() -> None:
    assert digest_secret("abc").hex().startswith("ba7816bf8f01cfea")


@given(some.text(some.characters(min_codepoint=0x20, max_codepoint=0x7E)))
def test_a_quoted_string_reads_back_as_what_was_quoted(text: str) -> None:
    written = quoted(text)
    parsed = re.fullmatch(r'"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"', written)
    assert parsed is not None
    assert re.sub(r"\\(.)", r"\1", parsed[1]) == text


@given(some.text())
def test_a_realm_of_any_text_makes_a_header_that_can_be_sent(realm: str) -> None:
    problem = Authenticator([Bearer(find)], realm).missing()
    [(name, value)] = problem.fields
    assert name == b"www-authenticate"
    assert re.fullmatch(rb'Bearer realm="[\x20-\x7e]*"', value)


def request_scope(headers: list[tuple[bytes, bytes]]) -> dict[str, Any]:
    return {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "path": "/me",
        "query_string": b"",
        "headers": [(b"host", b"a"), *headers],
    }


async def status_of(built: Built, scope: dict[str, Any]) -> int:
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    async def send(message: Any) -> None:
        sent.append(message)

    await built.app(scope, receive, send)
    status: int = sent[0]["status"]
    return status
