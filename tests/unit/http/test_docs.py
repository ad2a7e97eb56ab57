"""The documentation page: whole without internet, and unable to run anybody else's code."""

import re
from html.parser import HTMLParser

import pytest

from headwater.http.openapi import About
from headwater.settings import Settings
from tests.unit.http.support import build

SCRIPTS = ["/docs/docs.js", "/docs/elements.js", "/docs/request.js", "/docs/schema.js"]
PATHS = ["/docs", "/docs/docs.css", *SCRIPTS]


class Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.inline = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.found += [value for name in ("href", "src") if (value := attributes.get(name))]
        self.inline += tag == "style" or (tag == "script" and "src" not in attributes)
        self.inline += any(name.startswith("on") or name == "style" for name in attributes)


@pytest.mark.parametrize(
    ("path", "kind"), list(zip(PATHS, ["text/html", "text/css", *["text/javascript"] * 4], strict=True))
)
async def test_the_page_and_its_files_are_served(path: str, kind: str) -> None:
    reply = await build().client.get(path)
    assert reply.status == 200
    assert reply.headers["content-type"] == f"{kind}; charset=utf-8"
    policy = reply.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert reply.headers["x-content-type-options"] == "nosniff"


async def test_the_page_needs_nothing_from_elsewhere_and_nothing_inline() -> None:
    client = build().client
    links = Links()
    links.feed((await client.get("/docs")).text)
    assert links.inline == 0
    for link in links.found:
        if not link.startswith(("#", "data:")):
            assert (await client.get(f"/{link}")).status == 200
    for path in PATHS:
        assert not re.search(r"https?://\w", (await client.get(path)).text)


async def test_text_never_becomes_markup() -> None:
    client = build(about=About(title="<script>alert(1)</script>")).client
    assert "<script>alert" not in (await client.get("/docs")).text
    script = "".join([(await client.get(path)).text for path in SCRIPTS])
    for danger in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"):
        assert danger not in script


async def test_the_page_can_be_switched_off() -> None:
    client = build(settings=Settings(docs=False)).client
    assert (await client.get("/docs")).status == 404
    assert (await client.get("/openapi.json")).status == 200
