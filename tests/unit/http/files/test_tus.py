"""The headers of tus are read strictly, and a declaration that could not finish is refused."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater import App, Backend, Tx, Upload
from headwater.binding import HandlerError
from headwater.http.files.tus.protocol import metadata_in
from headwater.http.message.problem import Problem

KEYS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters=","), min_size=1, max_size=20)


@given(st.dictionaries(KEYS, st.text(max_size=20), max_size=6))
def test_metadata_comes_back_as_it_was_written(pairs: dict[str, str]) -> None:
    written = ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in pairs.items())
    assert metadata_in(written) == pairs


@given(st.text(max_size=100))
def test_any_metadata_is_read_or_refused(text: str) -> None:
    try:
        metadata_in(text)
    except Problem as problem:
        status = problem.status
    else:
        status = 200
    assert status in (200, 400)


def refused(handler: Any) -> str:
    app = App("files")
    app.uploads("/uploads")(handler)
    with pytest.raises(HandlerError) as raised:
        Backend(app).check()
    return str(raised.value)


def test_the_handler_takes_the_upload_and_the_transaction() -> None:
    async def nothing(tx: Tx) -> None: ...

    async def alone(upload: Upload) -> None: ...

    assert "the handler does not take `upload: Upload`" in refused(nothing)
    assert "Take `tx: Tx` as well." in refused(alone)


def test_the_handler_takes_nothing_that_belongs_to_one_of_many_requests() -> None:
    async def attach(tx: Tx, upload: Upload, title: str) -> None: ...

    assert "Take it from `upload.metadata`." in refused(attach)


def test_the_handler_has_no_answer() -> None:
    async def attach(tx: Tx, upload: Upload) -> str: ...

    assert "the protocol has no response body" in refused(attach)


def test_each_step_is_an_operation_of_the_document() -> None:
    app = App("files")

    @app.uploads("/uploads", limit=5)
    async def attach(tx: Tx, upload: Upload) -> None: ...

    paths = Backend(app).openapi()["paths"]
    assert paths["/uploads"].keys() == {"options", "post"}
    assert paths["/uploads/{upload_id}"].keys() == {"head", "patch", "delete", "post"}
    assert paths["/uploads"]["post"]["operationId"] == "files_attach_create"
    assert "201" in paths["/uploads"]["post"]["responses"]
    assert "204" in paths["/uploads/{upload_id}"]["patch"]["responses"]
