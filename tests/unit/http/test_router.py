"""Which endpoint answers which path."""

import inspect
from enum import Enum
from typing import Annotated, Any
from urllib.parse import unquote
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from headwater.http import Problem, Route
from headwater.http.route.errors import PathInvalid, RoutesClash
from headwater.http.router import Router
from headwater.http.step.operation import Operation
from tests.unit.http.support import compiled

ID = "0af76519-16cd-43dd-8448-eb211c80319c"


class Color(Enum):
    RED = "red"


def handler(name_: str, /, **parameters: Any) -> Any:
    async def declared(**values: Any) -> None: ...

    answer: Any = declared
    answer.__name__ = name_
    answer.__annotations__ = {**parameters, "return": None}
    kind = inspect.Parameter.KEYWORD_ONLY
    answer.__signature__ = inspect.Signature([inspect.Parameter(p, kind) for p in parameters])
    return answer


def router(*routes: tuple[str, Any]) -> Router[Operation]:
    made = []
    for text, handle in routes:
        method, _, path = text.partition(" ")
        made.append(Route(method=method, path=path, handler=handle))
    return Router([compiled(route) for route in made], operation_of=lambda each: each, head_of=lambda each: each)


def find(router: Router[Operation], text: str) -> Any:
    """The handler's name and the values in the path; None if nothing answers."""
    method, _, raw = text.partition(" ")
    found = router.find(method, {"path": unquote(raw), "raw_path": raw.encode(), "root_path": ""})
    return None if found is None else (found[0].route.name, *found[1])


SHOP = router(
    ("GET /", handler("root")),
    ("GET /products", handler("list")),
    ("GET /products/new", handler("new")),
    ("GET /products/{id}", handler("by_uuid", id=UUID)),
    ("GET /products/{number}", handler("by_number", number=int)),
    ("GET /products/{color}", handler("by_color", color=Color)),
    ("GET /products/{name}", handler("by_name", name=str)),
    ("PUT /products/{name}", handler("put", name=str)),
    ("GET /products/{number}/parts/{part}", handler("part", number=int, part=str)),
    ("GET /products/{name}/reviews", handler("reviews", name=str)),
    ("GET /{shop}/about", handler("about", shop=str)),
    ("DELETE /products/new", handler("delete_new")),
)


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ("GET /", ("root",)),
        ("GET /products", ("list",)),
        ("GET /products/new", ("new",)),
        ("DELETE /products/new", ("delete_new",)),
        ("PUT /products/new", ("put", "new")),
        (f"GET /products/{ID}", ("by_uuid", UUID(ID))),
        ("GET /products/12", ("by_number", 12)),
        ("GET /products/-1", ("by_number", -1)),
        ("GET /products/012", ("by_name", "012")),
        ("GET /products/red", ("by_color", Color.RED)),
        ("GET /products/green", ("by_name", "green")),
        ("GET /products/12/parts/a", ("part", 12, "a")),
        ("GET /products/12/reviews", ("reviews", "12")),
        ("GET /products/a%2Fb", ("by_name", "a/b")),
        ("GET /products/%6eew", ("new",)),
        ("GET /pr%6fducts/12", ("by_number", 12)),
        ("GET /products/12%2Fparts%2Fa", ("by_name", "12/parts/a")),
        ("GET /products/about", ("by_name", "about")),
        ("GET /corner/about", ("about", "corner")),
        ("HEAD /products/12", ("by_number", 12)),
    ],
)
def test_the_narrowest_route_answers(request_: str, expected: Any) -> None:
    assert find(SHOP, request_) == expected


@pytest.mark.parametrize(
    "request_",
    [
        "GET /product",
        "GET /products/",
        "GET /products/12/",
        "GET //",
        "GET /products//reviews",
        "GET /products%2Fnew",
        "GET /products/new/",
        "GET /products/x/parts/a",
        "GET /products/a%00b",
        "POST /products",
        "get /products",
    ],
)
def test_nothing_else_is_answered(request_: str) -> None:
    assert find(SHOP, request_) is None


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/products", ["GET", "HEAD", "OPTIONS"]),
        ("/products/new", ["DELETE", "GET", "HEAD", "OPTIONS", "PUT"]),
        ("/products/12", ["GET", "HEAD", "OPTIONS", "PUT"]),
        ("/nowhere", []),
    ],
)
def test_a_path_has_the_methods_of_every_route_that_matches_it(path: str, methods: list[str]) -> None:
    assert SHOP.methods({"path": path, "raw_path": path.encode(), "root_path": ""}) == methods


def test_below_a_root_path_routes_are_found_without_it() -> None:
    found = SHOP.find("GET", {"path": "/api/products/12", "raw_path": b"/api/products/12", "root_path": "/api"})
    assert found is not None
    assert found[0].route.name == "by_number"


def test_a_head_route_of_its_own_is_preferred() -> None:
    own = router(("GET /a", handler("get")), ("HEAD /a", handler("head")))
    assert find(own, "HEAD /a") == ("head",)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("GET /a/{x}", handler("one", x=int)), ("GET /a/{y}", handler("two", y=int))),
        (("GET /a", handler("one")), ("GET /a", handler("two"))),
        (("GET /a/{x}", handler("one", x=int)), ("GET /a/{y}", handler("two", y=Annotated[int, Meta(ge=1)]))),
        (
            ("GET /a/{x}/b", handler("one", x=str)),
            ("GET /a/{y}/b", handler("two", y=Annotated[str, Meta(min_length=2)])),
        ),
        (("GET /a/{x}", handler("one", x=Color)), ("GET /a/{y}", handler("two", y=Color))),
    ],
)
def test_two_routes_for_one_request_are_refused_by_name(first: Any, second: Any) -> None:
    with pytest.raises(RoutesClash) as caught:
        router(first, second)
    message = str(caught.value)
    assert first[0] in message
    assert second[0] in message
    assert "test_router" in message


@pytest.mark.parametrize(
    "path",
    ["products", "/a/{id", "/a/x{id}", "/a/{id}/{id}", "/a//b", "/a/{1}", "/a b", "/a%20b", "/a?b", "/{}"],
)
def test_a_template_that_could_match_nothing_sensible_is_refused(path: str) -> None:
    with pytest.raises(PathInvalid, match="test_router"):
        router((f"GET {path}", handler("one", id=int)))


@pytest.mark.parametrize("route", [("GET /a/{id}", handler("one")), ("GET /{a}/{b}", handler("one", a=int))])
def test_a_parameter_of_the_path_that_the_handler_lacks_is_refused(route: Any) -> None:
    with pytest.raises(PathInvalid, match="has no parameter"):
        router(route)


@given(st.text(st.sampled_from("/ab{}%2Fé0-"), max_size=12))
def test_no_path_makes_the_router_fail(path: str) -> None:
    scope = {"path": unquote("/" + path), "raw_path": ("/" + path).encode(), "root_path": ""}
    try:
        found = SHOP.find("GET", scope)
    except Problem:  # a path that does not decode
        return
    assert found is None or "GET" in SHOP.methods(scope)
