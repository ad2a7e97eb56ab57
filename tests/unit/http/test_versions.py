"""Versions: how a request names one, what it is answered, and what a version that ends says."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Annotated, Any, Generic, TypeVar

import msgspec
import pytest

from headwater import Row
from headwater.db import Db
from headwater.http import Body, Page, Pages, Request, Response, Route
from headwater.http import Listing as PageOf
from headwater.http.message.principal import Principal
from headwater.http.route.errors import OptionInvalid, RoutesClash
from headwater.http.version import Converter, Deprecated, Versions
from headwater.http.version.errors import (
    ConversionUnclear,
    ConverterInvalid,
    ConvertersClash,
    ConverterUnused,
    VersionsInvalid,
    VersionsMissing,
)
from headwater.http.version.usage import PRINCIPALS, Usage
from headwater.observe import Metrics
from headwater.observe.occurrence import subscribe
from headwater.testing import Clock
from tests.unit.http.support import Built, build, command, query

T = TypeVar("T")

PROBLEM = "urn:headwater:problem:"
VENDOR = "application/vnd.shop+json"
EVERYWHERE: Any = {"by": ("uri", "media", "header", "query"), "media": VENDOR}


class Product(msgspec.Struct):
    id: int
    cents: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
    name: str = "tent"


class ProductV1(msgspec.Struct, forbid_unknown_fields=True):
    id: int
    price: int
    name: str = "tent"


class Listing(msgspec.Struct, Generic[T]):
    items: list[T]


class Basket(msgspec.Struct):
    """What somebody wants."""

    products: dict[str, Product]
    first: Product | None = None


def to_old(product: Product) -> ProductV1:
    return ProductV1(product.id, product.cents // 100, product.name)


def to_new(product: ProductV1) -> Product:
    return Product(product.id, product.price * 100, product.name)


class Priced(msgspec.Struct):
    amount: dict[str, int]


class InCents(msgspec.Struct):
    cents: int


class InUnits(msgspec.Struct):
    price: int


def to_cents(each: Priced) -> InCents:
    return InCents(each.amount["EUR"])


def from_cents(each: InCents) -> Priced:
    return Priced({"EUR": each.cents})


def to_units(each: InCents) -> InUnits:
    return InUnits(each.cents // 100)


def from_units(each: InUnits) -> InCents:
    return InCents(each.price * 100)


CONVERTERS = (
    Converter(version="1", direction="downgrade", convert=to_old),
    Converter(version="1", direction="upgrade", convert=to_new),
)


async def show_product(id: int) -> Product:
    return Product(id, 1200)


async def add_product(product: Product) -> Product:
    return product


SHOW, ADD = query("/products/{id}", show_product), command("/products", add_product, location="/products/{id}")


def shop(*routes: Route, names: tuple[str, ...] = ("1", "2"), **options: Any) -> Built:
    """A shop whose prices were in whole units in version 1."""
    converters = options.pop("converters", CONVERTERS)
    clock = options.pop("clock", None)
    db = options.pop("db", None)
    versions = Versions(*names, **options)
    return build(*(routes or (SHOW, ADD)), versions=versions, converters=converters, clock=clock, db=db)


async def test_the_version_in_the_path_answers_with_the_types_that_it_had() -> None:
    client = shop().client
    old, new = await client.get("/v1/products/7"), await client.get("/v2/products/7")
    assert (old.json(), old.headers["api-version"]) == ({"id": 7, "price": 12, "name": "tent"}, "1")
    assert (new.json(), new.headers["api-version"]) == ({"id": 7, "cents": 1200, "name": "tent"}, "2")
    assert old.headers["vary"] == "accept-encoding"


async def test_without_a_version_the_newest_answers_and_the_answer_varies() -> None:
    reply = await shop().client.get("/products/7")
    assert reply.json() == {"id": 7, "cents": 1200, "name": "tent"}
    assert (reply.headers["api-version"], reply.headers["vary"]) == (
        "2",
        "accept-encoding, API-Version, Accept-Version",
    )


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/v1/products/7", {}),
        ("/products/7", {"API-Version": "1"}),
        ("/products/7", {"Accept-Version": "1"}),
        ("/products/7?version=1", {}),
        ("/products/7?%76ersion=1", {}),
        ("/products/7", {"Accept": f"{VENDOR}; version=1"}),
        ("/products/7", {"Accept": f'text/html, {VENDOR};version="1";q=0.5'}),
        ("/v1/products/7?version=1", {"API-Version": "1", "Accept": f"{VENDOR};version=1"}),
    ],
)
async def test_each_way_to_name_a_version_is_understood(path: str, headers: dict[str, str]) -> None:
    reply = await shop(**EVERYWHERE).client.get(path, headers=headers)
    assert (reply.status, reply.json()) == (200, {"id": 7, "price": 12, "name": "tent"})


async def test_the_vendors_media_type_is_answered_with_itself() -> None:
    client = shop(**EVERYWHERE).client
    reply = await client.get("/products/7", headers={"Accept": f"{VENDOR};version=1"})
    assert reply.headers["content-type"] == f"{VENDOR}; version=1"
    reply = await client.get("/products/7", headers={"Accept": VENDOR})
    assert (reply.headers["content-type"], reply.headers["api-version"]) == (f"{VENDOR}; version=2", "2")
    reply = await client.get("/products/7", headers={"Accept": f"application/json, {VENDOR};version=1;q=0.5"})
    assert (reply.headers["content-type"], reply.headers["api-version"]) == ("application/json", "2")
    reply = await client.get("/products/8", headers={"Accept": "text/html"})
    assert reply.status == 406


@pytest.mark.parametrize(
    ("status", "path", "headers"),
    [
        (404, "/v9/products/7", {}),
        (404, "/v9/products/7", {"API-Version": "8"}),
        (406, "/products/7", {"Accept": f"{VENDOR};version=9"}),
        (400, "/products/7", {"API-Version": "9"}),
        (400, "/products/7", {"API-Version": ""}),
        (400, "/products/7?version=9", {}),
    ],
)
async def test_a_version_that_is_not_there_is_a_problem_by_where_it_was_named(
    status: int, path: str, headers: dict[str, str]
) -> None:
    reply = await shop(**EVERYWHERE).client.get(path, headers=headers)
    assert (reply.status, reply.json()["type"]) == (status, PROBLEM + "version-unknown")
    assert reply.json()["versions"] == ["1", "2"]


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/v1/products/7", {"API-Version": "2"}),
        ("/v1/products/7?version=2", {}),
        ("/products/7?version=2", {"Accept": f"{VENDOR};version=1"}),
        ("/products/7?version=2&version=1", {}),
        ("/products/7", {"API-Version": "1", "Accept-Version": "2"}),
    ],
)
async def test_two_versions_in_one_request_are_a_conflict(path: str, headers: dict[str, str]) -> None:
    reply = await shop(**EVERYWHERE).client.get(path, headers=headers)
    assert (reply.status, reply.json()["type"]) == (400, PROBLEM + "version-conflict")


async def test_an_unknown_version_is_passed_over_if_the_client_takes_something_else() -> None:
    accept = f"{VENDOR};version=9, application/json;q=0.5"
    reply = await shop(**EVERYWHERE).client.get("/products/7", headers={"Accept": accept})
    assert (reply.status, reply.headers["api-version"]) == (200, "2")


async def test_a_body_is_read_as_the_version_had_it_and_its_errors_speak_of_that() -> None:
    client = shop().client
    added = await client.post("/v1/products", json={"id": 7, "price": 12})
    assert (added.status, added.json()) == (200, {"id": 7, "price": 12, "name": "tent"})
    assert added.headers["location"] == "/v1/products/7"
    refused = await client.post("/v1/products", json={"id": 7, "cents": 12})
    assert [each["pointer"] for each in refused.json()["errors"]] == ["#/price", "#/cents"]


async def test_a_body_that_breaks_a_rule_of_the_newest_version_is_refused() -> None:
    refused = await shop().client.post("/v1/products", json={"id": 7, "price": 10_001})
    assert refused.status == 422
    assert refused.json()["errors"] == [{"detail": "Expected `int` <= 1000000, at #/cents when converted"}]


async def test_the_content_type_of_a_body_names_its_version() -> None:
    client, body = shop(**EVERYWHERE).client, b'{"id": 7, "price": 12}'
    reply = await client.post("/products", body=body, headers={"Content-Type": f"{VENDOR}; version=1"})
    assert (reply.status, reply.headers["api-version"]) == (200, "1")
    reply = await client.post("/products", body=body, headers={"Content-Type": f"{VENDOR}; version=9"})
    assert (reply.status, reply.headers["accept-post"]) == (415, f"application/json, {VENDOR}")


async def test_a_type_is_converted_wherever_it_stands() -> None:
    async def listing() -> Listing[Product]:
        return Listing([Product(1, 100)])

    async def items() -> list[Product] | None:
        return [Product(1, 100)]

    async def nothing() -> Product | None:
        return None

    async def basket() -> Basket:
        return Basket({"a": Product(1, 100)})

    async def lines() -> AsyncIterator[Product]:
        yield Product(1, 100)
        yield Product(2, 200)

    async def raw() -> Product | Response:
        return Response("as it is")

    handlers = (listing, items, nothing, basket, lines, raw)
    client = shop(*(query(f"/{each.__name__}", each) for each in handlers), converters=CONVERTERS[:1]).client
    old = {"id": 1, "price": 1, "name": "tent"}
    assert (await client.get("/v1/listing")).json() == {"items": [old]}
    assert (await client.get("/v1/items")).json() == [old]
    assert (await client.get("/v1/nothing")).body == b"null"
    assert (await client.get("/v1/basket")).json() == {"products": {"a": old}, "first": None}
    assert (await client.get("/v1/lines")).text == (
        '{"id":1,"price":1,"name":"tent"}\n{"id":2,"price":2,"name":"tent"}\n'
    )
    assert (await client.get("/v1/raw")).text == "as it is"
    assert (await client.get("/listing")).json() == {"items": [{"id": 1, "cents": 100, "name": "tent"}]}


async def test_versions_are_converted_one_by_one() -> None:
    converters = [
        Converter(version="1", direction="downgrade", convert=to_units),
        Converter(version="1", direction="upgrade", convert=from_units),
        Converter(version="2", direction="downgrade", convert=to_cents),
        Converter(version="2", direction="upgrade", convert=from_cents),
    ]

    async def echo(priced: Priced) -> Priced:
        return priced

    client = shop(command("/", echo), names=("1", "2", "3"), converters=converters).client
    for path, body in (("/v1/", {"price": 3}), ("/v2/", {"cents": 300}), ("/v3/", {"amount": {"EUR": 300}})):
        assert (await client.post(path, json=body)).json() == body


async def test_a_route_lives_from_its_first_version_to_its_last() -> None:
    async def first() -> str:
        return "first"

    async def second() -> str:
        return "second"

    built = shop(
        query("/x", first, until="1"),
        query("/x", second, since="2"),
        query("/y", first, since="2", until="2"),
        names=("1", "2", "3"),
        converters=(),
    )
    texts = [(await built.client.get(f"/v{version}/x")).json() for version in (1, 2, 3)]
    assert texts == ["first", "second", "second"]
    assert [(await built.client.get(f"/v{version}/y")).status for version in (1, 2, 3)] == [404, 200, 404]


async def test_two_routes_of_one_path_may_not_meet_in_a_version() -> None:
    async def show() -> str:
        return ""

    with pytest.raises(RoutesClash):
        shop(query("/x", show, until="2"), query("/x", show, since="2"), converters=())


async def test_what_belongs_to_the_platform_has_no_version() -> None:
    client = shop(default="required").client
    for path in ("/livez", "/docs", "/openapi.json", "/openapi/1.json"):
        reply = await client.get(path, headers={"API-Version": "99"} if path != "/openapi.json" else {})
        assert reply.status == 200, path
    assert (await client.get("/v1/livez")).status == 404


async def test_a_version_can_be_demanded() -> None:
    client = shop(default="required").client
    reply = await client.get("/products/7")
    assert (reply.status, reply.json()["type"]) == (400, PROBLEM + "version-missing")
    assert (await client.get("/v1/products/7")).status == 200


async def test_a_named_default_is_served_to_those_who_name_none() -> None:
    assert (await shop(default="1").client.get("/products/7")).headers["api-version"] == "1"


async def test_methods_and_paths_that_a_version_lacks_are_answered_as_ever() -> None:
    client = shop().client
    assert (await client.request("DELETE", "/v1/products/7")).headers["allow"] == "GET, HEAD, OPTIONS"
    assert (await client.get("/v1/nothing")).status == 404
    assert (await client.request("HEAD", "/v1/products/7")).status == 200


async def test_a_handler_sees_the_version_however_it_was_named() -> None:
    async def show(request: Request) -> str | None:
        return request.version

    client = shop(query("/x", show), converters=(), **EVERYWHERE).client
    assert (await client.get("/x?a=1&version=1&b=2")).json() == "1"
    assert (await client.get("/v1/x")).json() == "1"
    assert (await client.get("/x")).json() == "2"
    assert (await build(query("/x", show)).client.get("/x")).json() is None


async def test_the_same_key_in_another_version_replays_nothing() -> None:
    async def add(product: Product) -> Product:
        return product

    client = shop(command("/products", add, idempotency="required"), **EVERYWHERE).client
    headers = {"Idempotency-Key": "k"}
    first = await client.post("/products", json={"id": 7, "cents": 1200}, headers=headers)
    assert first.status == 200
    old = {"id": 7, "price": 12}
    for path, extra in (("/products", {"API-Version": "1"}), ("/v1/products", {}), ("/products?version=1", {})):
        other = await client.post(path, json=old, headers={**headers, **extra})
        assert (other.status, other.json()["type"]) == (422, PROBLEM + "idempotency-key-reused")
    again = await client.post("/products", json={"id": 7, "cents": 1200}, headers=headers)
    assert (again.body, again.headers["idempotent-replayed"], again.headers["api-version"]) == (first.body, "true", "2")


async def test_one_body_in_two_versions_is_two_requests() -> None:
    async def add(payload: Annotated[dict[str, int], Body()]) -> dict[str, int]:
        return payload

    client = shop(command("/x", add, idempotency="required"), converters=(), **EVERYWHERE).client
    headers = {"Idempotency-Key": "k"}
    assert (await client.post("/x", json={"a": 1}, headers={**headers, "API-Version": "1"})).status == 200
    assert (await client.post("/x", json={"a": 1}, headers={**headers, "API-Version": "2"})).status == 422


ENDING = {"1": Deprecated(at=date(2026, 1, 1), sunset=date(2027, 1, 1), link="https://example.com/v2")}


async def test_a_deprecated_version_says_so_and_where_to_go() -> None:
    built = shop(deprecated=ENDING, clock=Clock(datetime(2026, 6, 1, tzinfo=UTC), frozen=True))
    reply = await built.client.get("/v1/products/7?a=1")
    assert reply.status == 422  # the parameter; deprecation is told with problems, too
    assert reply.headers["deprecation"] == "@1767225600"
    assert reply.headers["sunset"] == "Fri, 01 Jan 2027 00:00:00 GMT"
    links = reply.headers.get_all("link")
    assert links == [
        '<https://example.com/v2>; rel="deprecation"; type="text/html"',
        '<https://example.com/v2>; rel="sunset"; type="text/html"',
        '</v2/products/7?a=1>; rel="successor-version"',
    ]
    by_header = await built.client.get("/products/7", headers={"API-Version": "1"})
    assert by_header.headers.get_all("link")[2] == '</v2/products/7>; rel="successor-version"'
    assert "deprecation" not in (await built.client.get("/v2/products/7")).headers


async def test_after_its_sunset_a_version_is_gone_and_its_links_stay() -> None:
    clock = Clock(datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC), frozen=True)
    client = shop(deprecated=ENDING, clock=clock).client
    assert (await client.get("/v1/products/7")).status == 200
    clock.jump(seconds=1)
    gone = await client.get("/v1/products/7")
    assert (gone.status, gone.json()["type"], gone.json()["successor"]) == (410, PROBLEM + "version-gone", "2")
    assert len(gone.headers.get_all("link")) == 3
    assert (await client.get("/v1/nothing")).status == 410
    assert (await client.get("/v2/products/7")).status == 200


async def test_by_query_the_successor_is_the_same_url_with_its_version() -> None:
    client = shop(deprecated={"1": Deprecated(at=date(2026, 1, 1))}, by=("query",)).client
    reply = await client.get("/products/7?version=1")
    assert reply.headers.get_all("link") == ['</products/7?version=2>; rel="successor-version"']
    reply = await client.get("/products/7?a=%3E&%76ersion=1&b=>")
    assert reply.headers.get_all("link") == ['</products/7?a=%3E&b=%3E&version=2>; rel="successor-version"']


@pytest.mark.parametrize(
    ("arguments", "options", "reason"),
    [
        ((), {}, "at least one version"),
        (("1", "1"), {}, "twice"),
        (("a b",), {}, "not a valid name"),
        (("newest",), {}, "not a valid name"),
        (("1",), {"default": "2"}, "default"),
        (("1",), {"by": ("path",)}, "something other"),
        (("1",), {"by": ("media",)}, "needs one"),
        (("1",), {"media": VENDOR}, "by="),
        (("1", "2"), {"deprecated": {"2": Deprecated(at=date(2026, 1, 1))}}, "older version"),
        (("1", "2"), {"deprecated": {"1": Deprecated(at=date(2026, 1, 2), sunset=date(2026, 1, 1))}}, "ends before"),
        (("1", "2"), {"deprecated": {"1": Deprecated(at=date(2026, 1, 2), successor="1")}}, "is not newer"),
        (("1", "2"), {"deprecated": {"1": Deprecated(at=date(2026, 1, 2), link="x> y")}}, "not a URL"),
    ],
)
def test_versions_that_make_no_sense_are_refused(
    arguments: tuple[str, ...], options: dict[str, Any], reason: str
) -> None:
    with pytest.raises(VersionsInvalid, match=reason):
        Versions(*arguments, **options)


def to_list(product: Product) -> list[int]:
    return [product.id, product.cents]


def untyped(product):  # type: ignore[no-untyped-def]
    return product


async def waiting(product: Product) -> ProductV1:
    return to_old(product)


def of_numbers(number: int) -> str:
    return str(number)


def down(convert: Any, version: str = "1") -> Converter:
    return Converter(version=version, direction="downgrade", convert=convert)


@pytest.mark.parametrize(
    ("converters", "error"),
    [
        ([down(to_old, "2")], ConverterInvalid),
        ([down(to_old, "9")], ConverterInvalid),
        ([down(untyped)], ConverterInvalid),
        ([down(waiting)], ConverterInvalid),
        ([down(of_numbers)], ConverterInvalid),
        ([down(to_old), down(to_list)], ConvertersClash),
        ([down(lambda: None)], ConverterInvalid),
    ],
)
def test_converters_that_make_no_sense_are_refused(converters: list[Converter], error: type[Exception]) -> None:
    with pytest.raises(error):
        shop(converters=converters)


def test_a_converter_for_what_no_route_has_is_refused() -> None:
    async def show() -> str:
        return ""

    with pytest.raises(ConverterUnused):
        shop(query("/x", show))


async def test_an_answer_may_have_become_something_else_entirely() -> None:
    client = shop(SHOW, converters=[down(to_list)]).client
    assert (await client.get("/v1/products/7")).json() == [7, 1200]


class Nested(msgspec.Struct):
    """Holds itself."""

    product: Product
    children: list["Nested"]


def test_what_cannot_be_derived_is_named() -> None:
    async def show() -> Nested:
        raise AssertionError

    with pytest.raises(ConversionUnclear, match="Nested"):
        shop(query("/x", show), converters=CONVERTERS[:1])


def test_a_backend_without_versions_refuses_what_speaks_of_them() -> None:
    with pytest.raises(VersionsMissing):
        build(SHOW, converters=CONVERTERS)
    with pytest.raises(VersionsMissing):
        build(query("/products/{id}", show_product, since="1"))


@pytest.mark.parametrize("options", [{"since": "9"}, {"until": "0"}, {"since": "2", "until": "1"}])
def test_a_route_in_no_version_is_refused(options: dict[str, str]) -> None:
    with pytest.raises(OptionInvalid):
        shop(query("/products/{id}", show_product, **options))


def test_a_path_that_begins_with_a_version_is_refused() -> None:
    with pytest.raises(OptionInvalid, match="without it"):
        shop(query("/v1/products/{id}", show_product))
    shop(query("/v1/products/{id}", show_product), by=("header",), converters=())


def test_a_parameter_that_names_the_version_is_refused() -> None:
    async def show(version: int) -> str:
        return ""

    with pytest.raises(OptionInvalid, match="version"):
        shop(query("/x", show), converters=(), **EVERYWHERE)
    shop(query("/x", show), converters=())  # by URI and header it is a parameter like any other


async def test_every_version_has_its_document() -> None:
    built = shop(deprecated=ENDING)
    old = (await built.client.get("/openapi/1.json")).json()
    new = (await built.client.get("/openapi.json")).json()
    assert (await built.client.get("/v1/openapi.json")).json() == old
    assert (await built.client.get("/openapi.json", headers={"API-Version": "1"})).json() == old
    assert (old["info"]["version"], old["servers"][0]["url"]) == ("1", "/v1")
    assert (new["info"]["version"], new["servers"][0]["url"]) == ("2", "/v2")
    operation = old["paths"]["/products/{id}"]["get"]
    assert operation["deprecated"] is True
    assert set(operation["responses"]["200"]["headers"]) >= {"API-Version", "Deprecation", "Sunset", "Link"}
    assert "ProductV1" in old["components"]["schemas"]
    assert "Product" not in old["components"]["schemas"]
    assert "deprecated" not in new["paths"]["/products/{id}"]["get"]
    assert new["x-headwater-versions"] == [
        {"name": "2", "url": "/openapi/2.json", "deprecated": False, "prefix": "v2/"},
        {"name": "1", "url": "/openapi/1.json", "deprecated": True, "prefix": "v1/"},
    ]


async def test_requests_are_counted_by_version_and_deprecated_ones_by_principal() -> None:
    built = shop(deprecated=ENDING, clock=Clock(datetime(2026, 6, 1, tzinfo=UTC), frozen=True))
    await built.client.get("/v1/products/7")
    await built.client.get("/v1/products/8")
    await built.client.get("/v2/products/7")
    text = built.metrics.expose()[1].decode()
    requests = 'headwater_http_requests_total{method="GET",route="/products/{id}",status="2xx",version='
    assert f'{requests}"1"}} 2.0' in text
    assert f'{requests}"2"}} 1.0' in text
    assert 'headwater_http_deprecated_requests_total{principal="anonymous",version="1"} 2.0' in text


class Revised(msgspec.Struct):
    revision: int
    cents: int


class RevisedV1(msgspec.Struct):
    price: int


def without_revision(each: Revised) -> RevisedV1:
    return RevisedV1(each.cents // 100)


@pytest.mark.parametrize("etag", [True, "revision"])
async def test_an_etag_differs_by_version_and_its_state_does_not(etag: bool | str) -> None:
    async def show() -> Revised:
        return Revised(3, 100)

    client = shop(query("/x", show, etag=etag), converters=[down(without_revision)]).client
    old, new = await client.get("/v1/x"), await client.get("/v2/x")
    state = new.headers["etag"].strip('"')
    assert old.headers["etag"] == f'"{state}+v1"'
    assert old.json() == {"price": 1}
    again = await client.get("/v1/x", headers={"If-None-Match": old.headers["etag"]})
    assert (again.status, again.headers["api-version"]) == (304, "1")
    assert (await client.get("/v2/x", headers={"If-None-Match": old.headers["etag"]})).status == 200


class Person(Row, table="directory.person"):
    id: int
    name: str


class PersonV1(Row):
    id: int
    full_name: str


def renamed(person: Person) -> PersonV1:
    return PersonV1(id=person.id, full_name=person.name)


class Rows:
    """A database that has one person."""

    async def all(self, kind: Any, sql: str, *arguments: Any) -> list[Any]:
        return [Person(id=1, name="Ada")]

    async def one(self, kind: Any, sql: str) -> bytes:
        return b"a secret of thirty-two characters"


async def test_a_page_is_converted_and_its_document_says_so() -> None:
    people = Pages(Person, fields=True)

    async def list_people(db: Db, page: Annotated[Page, people]) -> PageOf[Person]:
        return await page.read(db)

    built = shop(query("/people", list_people), converters=[down(renamed)], db=Rows())
    old = await built.client.get("/v1/people")
    assert old.json()["items"] == [{"id": 1, "full_name": "Ada"}]
    assert old.headers.get_all("link") == ['</v1/people>; rel="first"']
    assert (await built.client.get("/people")).json()["items"] == [{"id": 1, "name": "Ada"}]
    document = (await built.client.get("/openapi/1.json")).json()
    (fields,) = [each for each in document["paths"]["/people"]["get"]["parameters"] if each["name"] == "fields"]
    assert fields["schema"]["items"]["enum"] == ["id", "full_name"]
    assert "full_name" in document["components"]["schemas"]["PersonV1Fields"]["properties"]


async def test_fields_are_chosen_of_the_versions_own_items() -> None:
    people = Pages(Person, fields=True)

    async def list_people(db: Db, page: Annotated[Page, people]) -> PageOf[Person]:
        return await page.read(db)

    client = shop(query("/people", list_people, etag=True), converters=[down(renamed)], db=Rows()).client
    whole, part = await client.get("/v1/people"), await client.get("/v1/people?fields=full_name")
    assert part.json() == {**whole.json(), "items": [{"full_name": "Ada"}]}
    assert part.headers["etag"] == whole.headers["etag"].replace("v1", "v1+fields-full_name")
    assert part.headers["link"] == '</v1/people?fields=full_name>; rel="first"'
    kept = {"If-None-Match": part.headers["etag"]}
    assert (await client.get("/v1/people?fields=full_name", headers=kept)).status == 304
    for wrong in ("name", "id,id", "id&fields=full_name", ""):
        refused = await client.get(f"/v1/people?fields={wrong}")
        assert (refused.status, refused.json()["errors"][0]["parameter"]) == (422, "fields")


async def test_principals_are_counted_by_name_up_to_a_bound_and_told_once_a_day() -> None:
    clock, metrics = Clock(datetime(2026, 6, 1, tzinfo=UTC), frozen=True), Metrics("web 1")
    told: list[Any] = []
    usage = Usage("1", metrics, clock)
    end = subscribe(told.append)
    try:
        for number in (*range(PRINCIPALS + 5), 0, 0):
            usage.add(Principal(id=f"p{number}"), "/x", "r")
        assert len(told) == PRINCIPALS + 1
        assert [each.principal for each in told][-1] == "other"
        clock.jump(days=1)
        usage.add(Principal(id="p0"), "/y", "r")
        usage.add(None, "/y", "r")
    finally:
        end()
    assert [(each.principal, each.route) for each in told[-2:]] == [("p0", "/y"), ("other", "/y")]
    text = metrics.expose()[1].decode()
    assert 'headwater_http_deprecated_requests_total{principal="p0",version="1"} 4.0' in text
    assert 'headwater_http_deprecated_requests_total{principal="other",version="1"} 6.0' in text
