"""Which version a request names, against a model that is written the other way round."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.http.message.body import BodyLimits
from headwater.http.message.problem import Problem
from headwater.http.message.request import Request
from headwater.http.version import Versions
from headwater.http.version.naming import Naming

KNOWN = ("1", "2")
VENDOR = "application/vnd.shop+json"
WAYS = ("uri", "media", "header", "query")
UNKNOWN = {"uri": 404, "media": 406, "header": 400, "query": 400}


async def _nothing() -> Any:
    raise AssertionError("nobody reads the body")


def request_of(path: str = "/x", query: str = "", headers: Mapping[str, str] | None = None, root: str = "") -> Request:
    fields = [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()]
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": fields,
    }
    return Request({**scope, **({"root_path": root} if root else {})}, _nothing, BodyLimits(1, 1, 1))


def naming(*by: Any, taken: tuple[str, ...] = ()) -> Naming:
    return Naming(Versions(*KNOWN, by=by or WAYS, media=VENDOR if not by or "media" in by else None), taken)


def written(named: Mapping[str, str]) -> Request:
    """A request that names a version in each of these places."""
    headers = {}
    if "media" in named:
        headers["Accept"] = f"{VENDOR}; version={named['media']}"
    if "header" in named:
        headers["API-Version"] = named["header"]
    path = f"/v{named['uri']}/x" if "uri" in named else "/x"
    return request_of(path, f"version={named['query']}" if "query" in named else "", headers)


def expected(named: Mapping[str, str], by: tuple[str, ...]) -> int | str | None:
    """The status of the problem, or the version, or None: what is unknown first, by precedence; then what disagrees."""
    heard = [(way, named[way]) for way in WAYS if way in named and way in by]
    for way, version in heard:
        if version not in KNOWN:
            return UNKNOWN[way]
    versions = {version for _, version in heard}
    return 400 if len(versions) > 1 else versions.pop() if versions else None


@given(
    st.dictionaries(st.sampled_from(WAYS), st.sampled_from([*KNOWN, "3", "9"])),
    st.lists(st.sampled_from(WAYS), min_size=1, unique=True),
)
def test_the_precedence_is_that_of_the_model(named: dict[str, str], by: list[str]) -> None:
    found: int | str | None
    try:
        found = naming(*by).read(written(named)).version
    except Problem as problem:
        found = problem.status
    assert found == expected(named, tuple(by))


@given(st.binary(max_size=40), st.binary(max_size=40), st.binary(max_size=20))
def test_whatever_a_client_sends_is_a_version_or_a_problem(accept: bytes, kind: bytes, version: bytes) -> None:
    request = request_of()
    request.scope["headers"] = [(b"accept", b"application/vnd." + accept), (b"api-version", version)]
    request.fields.update({b"accept": VENDOR.encode() + accept, b"content-type": kind, b"api-version": version})
    found: int | str | None
    try:
        found = naming().read(request).version
    except Problem as problem:
        found = problem.status
    assert found in (None, *KNOWN, 400, 406, 415)


def test_a_version_in_the_path_joins_the_root() -> None:
    request = request_of("/api/v1/x", root="/api")
    assert naming().read(request).version == "1"
    assert request.scope["root_path"] == "/api/v1"


def test_a_path_that_only_looks_like_a_version_is_a_path() -> None:
    assert naming(taken=("v9",)).read(request_of("/v9/x")).version is None
    assert naming().read(request_of("/vase")).version is None
    assert naming("header").read(request_of("/v1/x")).version is None


@pytest.mark.parametrize(
    ("accept", "version", "vendor", "plain"),
    [
        (VENDOR, None, True, "application/json;q=1.0"),
        (f"{VENDOR};version=1;q=0.2, {VENDOR};q=0.3", None, True, "application/json;q=0.2, application/json;q=0.3"),
        (f"{VENDOR};version=1;q=0.3, {VENDOR};q=0.2", "1", True, "application/json;q=0.3, application/json;q=0.2"),
        (f"{VENDOR};version=1;q=0", None, False, "application/json;q=0.0"),
        (f"application/x-ndjson, {VENDOR};version=1", "1", True, "application/x-ndjson, application/json;q=1.0"),
        (f"{VENDOR.upper()};VERSION=1", "1", True, "application/json;q=1.0"),
        ("application/vnd.other+json;version=7", None, False, "application/vnd.other+json;version=7"),
    ],
)  # fmt: skip
def test_the_vendors_type_stands_for_json_in_what_goes_on(
    accept: str, version: str | None, vendor: bool, plain: str
) -> None:
    request = request_of(headers={"Accept": accept})
    named = naming().read(request)
    assert (named.version, named.vendor, request.fields[b"accept"]) == (version, vendor, plain.encode())
