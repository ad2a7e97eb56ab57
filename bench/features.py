"""What a declared feature costs a read: the features, the requests that use them, and what all sides have in common.

Every side, ours and the peers, serves the same paths over the same rows: ``/<feature>/products/{id}`` for what is
added to a read by id, ``/list`` and ``/compressed/products`` for twenty products without and with compression.
"""

from collections.abc import Sequence
from hashlib import sha256
from uuid import UUID

import asyncpg
import msgspec

TOKEN = "bench-token-4bf92f3577b34da6"
PERSON = "bench"
QUOTA = 6_000_000
"""Requests per minute: a limit that is looked at and never reached."""

_KEYS = """
create schema if not exists bench;
create table bench.api_key (digest bytea primary key, person text not null);
insert into bench.api_key values ($1, $2);
"""


class Feature(msgspec.Struct, frozen=True, kw_only=True):
    """`path` with ``{id}`` for a product's, or without; `over` names the feature that it is an addition to."""

    name: str
    work: str
    path: str
    over: str | None = "plain"
    headers: tuple[tuple[str, str], ...] = ()


_AUTHORIZATION = ("Authorization", f"Bearer {TOKEN}")

FEATURES = (
    Feature(name="plain", work="a read by id", path="/plain/products/{id}", over=None),
    Feature(
        name="auth",
        work="authentication: a bearer token looked up by its digest",
        path="/auth/products/{id}",
        headers=(_AUTHORIZATION,),
    ),
    Feature(name="limit", work="a rate limit, counted in memory", path="/limit/products/{id}"),
    Feature(name="etag", work="an ETag over the answer", path="/etag/products/{id}"),
    Feature(name="version", work="an older version of the answer, by its URI", path="/v1/plain/products/{id}"),
    Feature(name="all", work="all four at once", path="/v1/all/products/{id}", headers=(_AUTHORIZATION,)),
    Feature(name="list", work="a list of twenty", path="/list", over=None),
    Feature(
        name="gzip",
        work="the list compressed with gzip",
        path="/compressed/products",
        over="list",
        headers=(("Accept-Encoding", "gzip"),),
    ),
)


def requests_of(feature: Feature, products: Sequence[UUID]) -> list[tuple[str, str, str]]:
    """Method, path and no body, for each product or for the list."""
    if "{id}" not in feature.path:
        return [("GET", feature.path, "")]
    return [("GET", feature.path.format(id=each), "") for each in products]


def digest(token: str) -> bytes:
    """What is stored of a token."""
    return sha256(token.encode()).digest()


async def prepare_keys(url: str) -> None:
    """The table of tokens, with one in it."""
    connection = await asyncpg.connect(url)
    try:
        schema, table, insert = (each for each in _KEYS.strip().split(";\n"))
        await connection.execute(schema)
        await connection.execute(table)
        await connection.execute(insert.rstrip(";"), digest(TOKEN), PERSON)
        await connection.execute("analyze bench.api_key")
    finally:
        await connection.close()
