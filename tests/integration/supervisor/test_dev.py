"""`headwater dev`: the code of now, without a restart by hand."""

import asyncio
import json
import os
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from headwater.testing import eventually
from tests.integration.supervisor.harness import Up, get, processes_of

CODE = """
from headwater import App, Backend, Db
app = App("fresh")

@app.query("GET /answer")
async def answer(db: Db) -> int:
    return {answer}

backend = Backend(app)
"""


async def test_a_change_is_served_and_the_engines_go_on(home: Path, tmp_path: Path) -> None:
    code = tmp_path / "fresh.py"
    code.write_text(CODE.format(answer=1))
    async with Up.start(home, "dev", "--app", "fresh:backend", cwd=str(tmp_path)) as up:
        await eventually(lambda: _is_ready(up))
        url, engine = up.state().url, up.pid("postgres")
        assert await _answer(url) == 1
        code.write_text(CODE.format(answer=2))
        await _wait_for(url, 2)
        assert up.pid("postgres") == engine
        assert sum(each.restarts for each in up.state().processes) == 0
        assert await up.stop() == 0
    assert processes_of(home) == {}


async def test_code_that_does_not_load_is_shown_and_the_next_change_mends_it(home: Path, tmp_path: Path) -> None:
    code = tmp_path / "fresh.py"
    code.write_text(CODE.format(answer=1))
    async with Up.start(home, "dev", "--app", "fresh:backend", cwd=str(tmp_path)) as up:
        await eventually(lambda: _is_ready(up))
        url, before = up.state().url, up.pid("dev")
        code.write_text(CODE.format(answer="unknown_name +"))
        log = home / "log" / "dev.log"
        await eventually(lambda: log.exists() and b"SyntaxError" in log.read_bytes())
        await _check_outage(url)
        code.write_text(CODE.format(answer=3))
        await _wait_for(url, 3)
        assert up.pid("dev") != before
        assert await up.stop() == 0


async def test_relay_web_and_consumers_are_one_process(home: Path, tmp_path: Path) -> None:
    (tmp_path / "fresh.py").write_text(CODE.format(answer=1))
    async with Up.start(home, "dev", "--app", "fresh:backend", cwd=str(tmp_path)) as up:
        await eventually(lambda: _is_ready(up))
        titles = [title for title in processes_of(home).values() if title.startswith("headwater ")]
        assert sorted(titles) == ["headwater dev", "headwater supervisor"]
        os.kill(up.pid("dev"), 9)
        await eventually(lambda: sum(each.restarts for each in up.state().processes) == 1 and _is_ready(up))
        assert await up.stop() == 0


async def test_requests_are_answered_when_the_first_code_does_not_load(home: Path, tmp_path: Path) -> None:
    code = tmp_path / "fresh.py"
    code.write_text(CODE.format(answer="unknown_name +"))
    async with Up.start(home, "dev", "--app", "fresh:backend", cwd=str(tmp_path)) as up:
        await eventually(lambda: _is_ready(up))
        url = up.state().url
        await _check_outage(url)
        code.write_text(CODE.format(answer=1))
        await _wait_for(url, 1)
        assert await up.stop() == 0


async def _check_outage(url: str) -> None:
    """Whatever is asked for, the answer says what is wrong with the code, and ends the connection."""
    for path, body in (("/answer", None), ("/readyz", None), ("/nothing/%C3%A9", b"{}")):
        with pytest.raises(urllib.error.HTTPError) as refused:
            await asyncio.to_thread(urllib.request.urlopen, f"{url}{path}", body, timeout=10)
        with refused.value as answer:
            problem = json.load(answer)
        assert answer.status == problem["status"] == 503
        assert problem["instance"] == path
        assert "could not be loaded" in problem["detail"]
        assert "SyntaxError" in problem["detail"]
        assert "fresh.py" in problem["detail"]
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.headers["Retry-After"] == "1"
        assert answer.headers["Connection"] == "close"


def _is_ready(up: Up) -> bool:
    path = up.home / "run" / "state.json"
    return path.exists() and up.state().ready and all(each.phase == "running" for each in up.state().processes)


async def _answer(url: str) -> Any:
    """None while nobody answers."""
    try:
        return (await asyncio.to_thread(get, f"{url}/answer"))[1]
    except (urllib.error.URLError, ConnectionError):
        return None


async def _wait_for(url: str, answer: int) -> None:
    await eventually(lambda: _answer(url), lambda found: found == answer, what=f"the answer {answer} from {url}")
