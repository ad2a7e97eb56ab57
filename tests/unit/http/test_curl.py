"""What curl makes of compressed and conditional answers, over a real connection."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from tests.unit.http.support import Built, build, query
from tests.unit.http.test_compression import TEXT
from tests.unit.http.wire import running

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")


async def show() -> str:
    return TEXT


async def export() -> AsyncIterator[str]:
    for _ in range(50):
        yield TEXT


def texts() -> Built:
    return build(query("/text", show, etag=True), query("/lines", export))


async def run(*arguments: str) -> bytes:
    """What curl writes; raises if it ends in an error."""
    process = await asyncio.create_subprocess_exec(
        "curl", "-sS", "--fail", *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    wrote, said = await process.communicate()
    assert process.returncode == 0, said.decode()
    return wrote


async def codings() -> list[str]:
    """Those that this curl was built with, by the names that it has for them."""
    version = (await run("--version")).decode()
    names = {"gzip": "libz", "br": "brotli", "zstd": "zstd"}
    return [coding for coding, feature in names.items() if feature in version]


async def test_curl_reads_every_coding_that_it_knows(tmp_path: Path) -> None:
    async with running(texts().app) as server:
        for coding in await codings():
            head = tmp_path / f"{coding}.txt"
            asked = ("--compressed", "-H", f"Accept-Encoding: {coding}", "-D", str(head))
            assert msgspec.json.decode(await run(*asked, f"{server.url}/text")) == TEXT
            assert f"content-encoding: {coding}" in head.read_text()
            lines = (await run(*asked, f"{server.url}/lines")).splitlines()
            assert [msgspec.json.decode(line) for line in lines] == [TEXT] * 50
            assert f"content-encoding: {coding}" in head.read_text()


async def test_curl_with_what_it_has_is_told_that_it_still_holds(tmp_path: Path) -> None:
    async with running(texts().app) as server:
        tag, head = tmp_path / "tag", tmp_path / "head"
        first = await run("--compressed", "--etag-save", str(tag), f"{server.url}/text")
        again = await run("--compressed", "--etag-compare", str(tag), "-D", str(head), f"{server.url}/text")
        assert (msgspec.json.decode(first), again) == (TEXT, b"")
        status, *fields = head.read_text().splitlines()
        assert status.startswith("HTTP/1.1 304")
        names = {field.partition(":")[0] for field in fields if field}
        assert {"etag", "cache-control", "vary", "date"} <= names
        assert not {"content-type", "content-encoding", "content-length"} & names
