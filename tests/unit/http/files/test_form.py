"""A form is taken apart however its bytes are cut, and what is no form is refused."""

from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.http.files.form import File, Form
from headwater.http.message.problem import Problem

PART = b'--b\r\nContent-Disposition: form-data; name="%b"%b\r\n%b\r\n%b\r\n'
END = b"--b--\r\n"


def field(name: bytes, text: bytes) -> bytes:
    return PART % (name, b"", b"", text)


def file(content: bytes, name: bytes = b"a.png", kind: bytes = b"image/png") -> bytes:
    return PART % (b"file", b'; filename="%b"' % name, b"Content-Type: %b\r\n" % kind, content)


class Read:
    """What came of a body that arrived in pieces of some size."""

    def __init__(self) -> None:
        self.files: list[File] = []
        self.content = b""
        self.fields: dict[str, str] = {}

    async def read(self, body: bytes, size: int) -> "Read":
        async def pieces() -> AsyncIterator[bytes]:
            for at in range(0, len(body), size):
                yield body[at : at + size]

        form = Form("b", pieces(), self.files.append)
        self.content = b"".join([piece async for piece in form.file()])
        self.fields = form.fields
        return self


@given(
    st.binary(max_size=200),
    st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n"), max_size=20),
    st.integers(1, 64),
)
async def test_the_file_and_its_fields_come_back_however_they_are_cut(content: bytes, title: str, size: int) -> None:
    if b"--b" in content or "--b" in title:
        return
    body = field(b"title", title.encode()) + file(content) + field(b"after", b"too") + END
    found = await Read().read(body, size)
    assert found.content == content
    assert found.files == [File("image/png", "a.png")]
    assert found.fields == {"title": title, "after": "too"}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (field(b"title", b"x") + END, "no part is a file"),
        (file(b"1") + file(b"2") + END, "two parts are files"),
        (field(b"a", b"1") + field(b"a", b"2") + file(b"") + END, "different names"),
        (field(b"a", b"\xff") + file(b"") + END, "not UTF-8"),
        (field(b"a", b"\0") + file(b"") + END, "NUL"),
        (field(b"a", b"x" * 20_000) + file(b"") + END, "more than"),
        (file(b"x"), "not a form"),
        (b"{}", "not a form"),
        (b"", "not a form"),
        (b"".join(field(b"%d" % number, b"") for number in range(100)) + file(b"") + END, "not a form"),
    ],
)
async def test_what_is_no_form_with_one_file_is_a_bad_request(body: bytes, reason: str) -> None:
    with pytest.raises(Problem, match=reason) as raised:
        await Read().read(body, 1000)
    assert raised.value.status == 400


async def test_a_file_name_is_reduced_to_its_last_segment() -> None:
    found = await Read().read(file(b"x", b"../../etc/passwd") + END, 10)
    assert found.files[0].filename == "passwd"
