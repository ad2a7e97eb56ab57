"""A route that could not keep its uploads is refused when the backend is put together."""

from typing import Any
from uuid import UUID

import pytest

from headwater import App, Backend, Db, Download, Response, Tx, Upload
from headwater.binding import HandlerError


def refused(verb: str, route: str, handler: Any, **options: Any) -> str:
    app = App("files")
    getattr(app, verb)(route, **options)(handler)
    with pytest.raises(HandlerError) as raised:
        Backend(app).check()
    return str(raised.value)


def test_a_query_takes_no_upload() -> None:
    async def show(upload: Upload) -> None: ...

    assert "a query keeps nothing. Make it a command." in refused("query", "POST /x", show).replace(": a", ": a")


def test_an_upload_needs_a_transaction_to_keep_it() -> None:
    async def add(upload: Upload) -> None: ...

    assert "Take `tx: Tx` as well." in refused("command", "POST /x", add)


def test_an_upload_needs_a_method_with_a_body() -> None:
    async def remove(tx: Tx, upload: Upload) -> None: ...

    assert "a DELETE request has no body" in refused("command", "DELETE /x", remove)


def test_a_request_has_one_body() -> None:
    async def add(tx: Tx, upload: Upload, other: Upload) -> None: ...

    assert "the body is `upload` already" in refused("command", "POST /x", add)


@pytest.mark.parametrize("option", [{"upload_limit": 5}, {"media_types": ("image/*",)}])
def test_what_uploads_may_be_is_said_only_where_there_are_some(option: dict[str, Any]) -> None:
    async def add(tx: Tx) -> None: ...

    assert "the handler does not take `upload: Upload`" in refused("command", "POST /x", add, **option)


def test_uploads_and_downloads_are_in_the_document() -> None:
    app = App("files")

    @app.command("POST /files", upload_limit=5, media_types=("image/*",))
    async def add(tx: Tx, upload: Upload) -> None: ...

    @app.query("GET /files/{id}")
    async def show(db: Db, id: UUID) -> Download:
        return Download(id)

    paths = Backend(app).openapi()["paths"]
    content = paths["/files"]["post"]["requestBody"]["content"]
    assert content.keys() == {"image/*", "multipart/form-data"}
    assert {"413", "415", "408"} <= paths["/files"]["post"]["responses"].keys()
    got = paths["/files/{id}"]["get"]["responses"]
    assert got["200"]["content"] == {"*/*": {"schema": {}}}
    assert {"206", "304", "404", "416"} <= got.keys()


async def test_a_download_that_is_not_declared_is_an_error_and_not_an_empty_answer() -> None:
    async def show() -> Response: ...

    async def write(piece: bytes) -> None:
        raise AssertionError("nothing is written")

    stream = Download("a").stream
    assert stream is not None
    with pytest.raises(TypeError, match="-> Download"):
        await stream(write)
