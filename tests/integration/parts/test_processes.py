"""What a part brings beside requests and events, under a real `headwater up`: a process, chores, commands, findings."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from headwater.testing import eventually
from tests.integration.supervisor.harness import PROJECT, Up

PYPROJECT = """
[tool.headwater]
backend = "tests.integration.parts.vault:backend"
"""


@asynccontextmanager
async def started(tmp_path: Path) -> AsyncIterator[Up]:
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    async with Up.start(tmp_path / "home", cwd=str(tmp_path), PYTHONPATH=str(PROJECT)) as running:
        await running.ready()
        yield running


async def run(up: Up, *arguments: str, **environment: str) -> str:
    folder = up.home.parent
    async with Up.start(up.home, *arguments, cwd=str(folder), PYTHONPATH=str(PROJECT), **environment) as command:
        await command.ended()
        return (command.output + command.errors).decode()


async def test_a_part_has_a_process_that_is_restarted_and_commands_and_findings(tmp_path: Path) -> None:
    async with started(tmp_path) as up:
        first = up.pid("auditor")
        await up.kill("auditor")
        await eventually(lambda: up.pid("auditor") != first)
        assert "0 notes, enough" in await run(up, "audit")
        assert "0 notes, too few" in await run(up, "audit", "--at-least", "3")
        assert "keeps 5 notes" in await run(up, "doctor", AUDIT_KEEP="5")
        assert "AUDIT_KEEP" in await run(up, "settings")
        assert "Unknown command" in await run(up, "nonsense")
        assert await asyncio.wait_for(up.stop(), 30) == 0


async def test_a_setting_of_a_part_that_cannot_be_is_named_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    paths = {"cwd": str(tmp_path), "PYTHONPATH": str(PROJECT)}
    async with Up.start(tmp_path / "home", AUDIT_KEEP="none", **paths) as command:
        assert await command.ended() != 0
        assert "AUDIT_KEEP='none' is not a valid setting: it must be a whole number" in command.errors.decode()
