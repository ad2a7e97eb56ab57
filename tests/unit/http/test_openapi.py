"""The OpenAPI document says what the endpoints do."""

from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
import pytest
from msgspec import Meta

from headwater.commit import Tx
from headwater.db import Db
from headwater.http import Body, Header, Response
from headwater.http.openapi import About
from tests.unit.http.support import build, command, document_of, provided, query
from tests.unit.http.test_problem import REQUESTS, everything


class Part(msgspec.Struct):
    sku: Annotated[str, Meta(min_length=2)]


class Order(msgspec.Struct):
    id: UUID
    parts: list[Part]


class NewOrder(msgspec.Struct):
    parts: list[Part]
    note: str | None = None


class User:
    pass


async def find_order(db: Db, id: UUID) -> Order:
    """Show an order.

    With its parts.
    """
    raise NotImplementedError


async def list_orders(
    state: Literal["open", "done"] | None = None,
    limit: Annotated[int, Meta(ge=1, le=100, description="How many at most.")] = 20,
    tags: list[str] = [],  # noqa: B006
    agent: Annotated[str, Header("User-Agent")] = "",
) -> list[Order]:
    return []


async def place_order(tx: Tx, user: User, order: NewOrder) -> Order:
    raise NotImplementedError


async def upload(tx: Tx, data: Annotated[bytes, Body()]) -> None: ...


async def export_orders(db: Db) -> AsyncIterator[Order]:
    raise NotImplementedError
    yield


async def anything() -> Response:
    return Response()


def shop() -> Any:
    return build(
        query("/orders/{id}", find_order, app="shop"),
        query("/orders", list_orders, app="shop", summary="All of them"),
        command("/orders", place_order, status=201, location="/orders/{id}", idempotency="required"),
        command("/orders/{id}/files", _with_id, method="PUT", idempotency="optional"),
        query("/export", export_orders, app="reports"),
        query("/anything", anything, app="reports"),
        query("/anything/else", anything, app="reports"),
        providers=[provided(User, lambda request: User(), statuses=(401,))],
        about=About(title="The <Shop>", version="2.1", apps={"shop": "Buying things."}),
    )


async def _with_id(tx: Tx, id: int, data: Annotated[bytes, Body()]) -> None: ...


async def read() -> dict[str, Any]:
    reply = await shop().client.get("/openapi.json")
    assert reply.headers["content-type"] == "application/json"
    found: dict[str, Any] = reply.json()
    return found


async def test_operations_carry_the_words_of_their_handlers() -> None:
    document = await read()
    assert document["openapi"] == "3.1.0"
    assert (document["info"]["title"], document["info"]["version"]) == ("The <Shop>", "2.1")
    assert document["tags"] == [
        {"name": "shop", "description": "Buying things."},
        {"name": "reports", "description": "The operations of reports."},
    ]
    assert {path: sorted(item) for path, item in document["paths"].items()} == {
        "/orders/{id}": ["get"],
        "/orders": ["get", "post"],
        "/orders/{id}/files": ["put"],
        "/export": ["get"],
        "/anything": ["get"],
        "/anything/else": ["get"],
    }
    show = document["paths"]["/orders/{id}"]["get"]
    assert (show["operationId"], show["tags"]) == ("shop_find_order", ["shop"])
    assert (show["summary"], show["description"]) == ("Show an order.", "With its parts.")
    assert document["paths"]["/orders"]["get"]["summary"] == "All of them"
    assert document["paths"]["/orders"]["post"]["summary"] == "Place order"


async def test_operations_have_names_of_their_own() -> None:
    names = [operation["operationId"] for item in (await read())["paths"].values() for operation in item.values()]
    assert len(set(names)) == len(names)
    assert {"reports_anything", "reports_anything_2"} < set(names)


async def test_parameters_have_their_place_schema_and_default() -> None:
    parameters = (await read())["paths"]["/orders"]["get"]["parameters"]
    assert parameters == [
        {"name": "state", "in": "query", "required": False, "schema": {"enum": ["done", "open"]}},
        {
            "name": "limit",
            "in": "query",
            "required": False,
            "description": "How many at most.",
            "schema": {"type": "integer", "format": "int64", "minimum": 1, "maximum": 100, "default": 20},
        },
        {
            "name": "tags",
            "in": "query",
            "required": False,
            "schema": {"type": "array", "items": {"type": "string"}, "default": []},
        },
        {"name": "User-Agent", "in": "header", "required": False, "schema": {"type": "string", "default": ""}},
    ]


async def test_path_parameters_are_required() -> None:
    (parameter,) = (await read())["paths"]["/orders/{id}"]["get"]["parameters"]
    assert parameter == {
        "name": "id",
        "in": "path",
        "required": True,
        "schema": {"type": "string", "format": "uuid"},
        "example": "0199f3c2-7d1e-7c4b-9a55-3f6f0b6f2a10",
    }


async def test_a_command_shows_its_body_key_and_location() -> None:
    document = await read()
    place = document["paths"]["/orders"]["post"]
    assert place["requestBody"] == {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"$ref": "#/components/schemas/NewOrder"},
                "example": {"parts": [{"sku": "text"}], "note": "A few words about it."},
            }
        },
    }
    (key,) = place["parameters"]
    assert (key["name"], key["in"], key["required"]) == ("Idempotency-Key", "header", True)
    created = place["responses"]["201"]
    assert set(created["headers"]) == {"X-Request-Id", "Location", "Idempotent-Replayed"}
    assert created["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Order"}
    assert created["links"]["shop_find_order"]["parameters"] == {"id": "$response.body#/id"}
    upload = document["paths"]["/orders/{id}/files"]["put"]
    assert "*/*" in upload["requestBody"]["content"]
    assert upload["parameters"][-1]["required"] is False
    assert "content" not in upload["responses"]["204"]


async def test_errors_are_those_that_an_operation_can_have() -> None:
    paths = (await read())["paths"]
    assert set(paths["/orders"]["post"]["responses"]) == {
        "201", "400", "401", "404", "406", "408", "409", "413", "415", "422", "503", "504", "default",
    }  # fmt: skip
    assert set(paths["/orders"]["get"]["responses"]) == {"200", "400", "406", "422", "503", "504", "default"}


async def test_a_stream_is_json_lines_of_its_items() -> None:
    answer = (await read())["paths"]["/export"]["get"]["responses"]["200"]
    (content,) = answer["content"].items()
    assert content[0] == "application/x-ndjson"
    assert content[1]["schema"] == {"$ref": "#/components/schemas/Order"}


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


async def test_every_reference_leads_somewhere() -> None:
    document = await read()
    found = set(references(document))
    assert found
    for reference in found:
        at: Any = document
        for step in reference.removeprefix("#/").split("/"):
            at = at[step]
        assert at


async def test_examples_of_problems_have_the_shape_of_problems() -> None:
    document = await read()
    required = document["components"]["schemas"]["Problem"]["required"]
    for response in document["components"]["responses"].values():
        (content,) = response["content"].items()
        assert content[0] == "application/problem+json"
        for example in content[1].get("examples", {}).values():
            assert set(required) <= set(example["value"])


@pytest.mark.parametrize(("method", "path", "options", "status"), REQUESTS, ids=lambda each: str(each)[:40])
async def test_what_goes_wrong_is_documented(method: str, path: str, options: Any, status: int) -> None:
    document = (await everything().client.get("/openapi.json")).json()
    for template, item in document["paths"].items():
        base = template.partition("{")[0].rstrip("/")
        if method.lower() in item and path.partition("?")[0].startswith(base):
            responses = item[method.lower()]["responses"]
            assert str(status) in responses or "default" in responses


async def test_hidden_routes_are_not_shown() -> None:
    assert not [path for path in (await read())["paths"] if path in ("/livez", "/docs", "/openapi.json")]


async def test_components_that_nothing_refers_to_are_left_out() -> None:
    document = (await build(query("/anything", anything)).client.get("/openapi.json")).json()
    assert "InputError" in document["components"]["schemas"]
    assert set(document["components"]["responses"]) == {
        "BadRequest",
        "UnprocessableContent",
        "ServiceUnavailable",
        "GatewayTimeout",
        "Problem",
    }
    assert set(document["components"]["headers"]) == {"RequestId", "RetryAfter"}


def test_the_document_says_whose_it_is() -> None:
    about = About(description="Sells.", license="Apache-2.0", contact="shop@example.org", servers=("https://x.org/a",))
    document = document_of(about=about)
    assert document["info"]["license"] == {"name": "Apache-2.0", "identifier": "Apache-2.0"}
    assert document["info"]["contact"] == {"name": "headwater", "email": "shop@example.org"}
    assert document["info"]["description"].startswith("Sells.\n\nEvery error")
    assert document["servers"] == [{"url": "https://x.org/a"}]
    assert document_of(about=About(contact="https://x.org"))["info"]["contact"]["url"] == "https://x.org"


async def test_a_route_says_what_its_own_answers_can_be() -> None:
    answers = {302: "Where the link leads.", 410: "It has expired."}
    document = (await build(query("/to/{id}", follow, answers=answers)).client.get("/openapi.json")).json()
    responses = document["paths"]["/to/{id}"]["get"]["responses"]
    assert "200" not in responses
    assert responses["302"]["description"] == "Where the link leads."
    assert set(responses["302"]["headers"]) == {"X-Request-Id", "Location"}
    assert responses["410"] == {"$ref": "#/components/responses/Gone", "description": "It has expired."}


async def test_what_clients_send_by_themselves_is_no_parameter() -> None:
    document = (await build(query("/to/{id}", follow)).client.get("/openapi.json")).json()
    assert [each["name"] for each in document["paths"]["/to/{id}"]["get"]["parameters"]] == ["id"]


async def follow(id: int, host: Annotated[str, Header("Host")] = "") -> Response:
    return Response(status=302, headers={"Location": "/"})
