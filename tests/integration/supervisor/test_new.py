"""A new project runs and passes its own tests at once."""

import asyncio
import sys
from pathlib import Path

from headwater.cli.new import write_project
from headwater.testing import eventually
from tests.integration.supervisor.harness import Up, clean_environment, get, post


async def test_a_new_project_passes_its_tests(tmp_path: Path) -> None:
    folder = write_project("guest-book", tmp_path)
    pytest = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
        cwd=folder,
        env=clean_environment(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await pytest.communicate()
    assert pytest.returncode == 0, output.decode()
    assert b"3 passed" in output


async def test_a_new_project_runs(home: Path, tmp_path: Path) -> None:
    folder = write_project("guest-book", tmp_path)
    async with Up.start(home, "up", "--log", "stdout", cwd=str(folder)) as up:
        url = await up.ready()
        status, entry = await asyncio.to_thread(post, f"{url}/entries", {"text": "hello"}, "first")
        assert (status, entry["likes"]) == (201, 0)
        await asyncio.to_thread(_like, f"{url}/entries/{entry['id']}/likes")
        await eventually(lambda: get(f"{url}/entries/{entry['id']}")[1]["likes"] == 1)
        assert await up.stop() == 0


def _like(url: str) -> None:
    import urllib.request

    urllib.request.urlopen(urllib.request.Request(url, method="POST"), timeout=30).close()
