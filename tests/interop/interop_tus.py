"""tus-js-client, the client that tus itself maintains, against a running backend."""

import asyncio
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.files.test_live import downloaded, picture_of, running
from tests.interop.node import FOLDER, run

SIZE = 20_000_001


@pytest.fixture
def home() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="headwater-up-"))
    folder.chmod(0o755)
    yield folder / "home"
    shutil.rmtree(folder, ignore_errors=True)


async def test_tus_js_client_breaks_off_and_goes_on(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "file.bin"
    file.write_bytes(os.urandom(SIZE))
    async with running(home) as (up, url):
        node = shutil.which("node")
        assert node is not None, "scripts/interop brings it"
        said = await asyncio.to_thread(run, node, FOLDER / "tus.mjs", f"{url}/uploads", file, "grün.bin")
        told = json.loads(said.splitlines()[-1])
        assert told["first"]["accepted"] >= SIZE / 3
        assert told["second"] == {"url": told["first"]["url"], "finished": True}
        assert await downloaded(url, await picture_of(up)) == hashlib.sha256(file.read_bytes()).hexdigest()
        assert await up.stop() == 0
