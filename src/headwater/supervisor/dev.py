"""`headwater dev`: everything in one process beside the engines, which restarts when a file changes."""

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import ClassVar

from watchfiles import Change, DefaultFilter, awatch

from headwater.errors import HeadwaterError
from headwater.observe import Level, Occurrence, report
from headwater.observe.lines import write_lines
from headwater.settings import Settings
from headwater.supervisor.assignment import Assignment
from headwater.supervisor.screen import dev_screen
from headwater.supervisor.state import BackendState
from headwater.supervisor.stop import Stop, on_signals
from headwater.supervisor.supervisor import ProcessPlan, Supervisor
from headwater.supervisor.terminal import Terminal
from headwater.supervisor.up import NAME, open_collector

SUFFIXES = (".py", ".sql", ".toml")


class FilesChanged(Occurrence, frozen=True, kw_only=True):
    """Files changed; the code is reloaded."""

    files: list[str]


class StartFailed(Occurrence, frozen=True, kw_only=True):
    """The code could not be started. It is started again at the next change."""

    level: ClassVar[Level] = "error"
    reason: str


class ReloadStopped(Occurrence, frozen=True, kw_only=True):
    """Watching the files failed; changes are no longer noticed. Stop and start again to reload."""

    level: ClassVar[Level] = "error"
    reason: str


async def dev(reference: str, settings: Settings, *, folder: Path | None = None) -> None:
    """Run the backend `reference` until a signal says stop; a change below `folder` restarts its code.

    The engines go on meanwhile, and connections wait at the listening socket. All log lines are shown.
    """
    terminal = Terminal()
    collector = open_collector(settings, terminal.show_line, shown_level="debug")
    end_lines = write_lines(NAME, settings.log_level, collector.channel(NAME).write)
    stop = Stop()
    try:
        with on_signals(stop):
            plan = ProcessPlan(backend=reference, stages=[[Assignment(role="dev", backend=reference)]])
            supervisor = Supervisor(plan, settings, collector, tell=_FirstScreen(terminal, settings).tell)
            reloading = asyncio.create_task(
                _reload(supervisor, folder or Path.cwd(), settings.home, stop), name="reload"
            )
            try:
                await supervisor.run(stop)
            finally:
                reloading.cancel()
    finally:
        terminal.close()
        end_lines()
        collector.close()


class _FirstScreen:
    """Shows the screen with the first state that is ready."""

    def __init__(self, terminal: Terminal, settings: Settings) -> None:
        self._terminal = terminal
        self._settings = settings
        self._shown = False

    def tell(self, state: BackendState) -> None:
        if state.ready and not self._shown:
            self._shown = True
            self._terminal.show_screen(dev_screen(self._settings, state))
        self._terminal.show_state(state)


async def _reload(supervisor: Supervisor, folder: Path, home: Path, stop: Stop) -> None:
    """Restart the code at each change. If it cannot be started, report it and wait for the next change.

    Watching starts before the code is first loaded, so no change is missed. If the system refuses to watch, as it does
    beyond its number of watches, that is reported, and the backend runs on.
    """
    logging.getLogger("watchfiles").setLevel(logging.WARNING)  # it logs a count of changes; `FilesChanged` names them
    try:
        async for files in _changes(folder, home, stop.asked):
            await supervisor.ready.wait()
            report(FilesChanged(files=files))
            try:
                await supervisor.restart_children()
            except HeadwaterError as error:
                report(StartFailed(reason=str(error)))
    except Exception as error:
        report(ReloadStopped(reason=str(error) or type(error).__name__))


async def _changes(folder: Path, home: Path, stop: asyncio.Event) -> AsyncIterator[list[str]]:
    async for changes in awatch(*_watched(folder, home), watch_filter=_CodeFilter(), stop_event=stop, step=50):
        yield sorted({str(Path(path).relative_to(folder)) for _, path in changes})


def _watched(folder: Path, home: Path) -> list[Path]:
    """The contents of the folder, without hidden ones, those of tools, and the state folder, which always changes."""
    ignored = set(DefaultFilter.ignore_dirs)
    parts = [part for part in folder.iterdir() if not part.name.startswith(".") and part.name not in ignored]
    return [part for part in parts if part != home and (part.is_dir() or part.suffix in SUFFIXES)]


class _CodeFilter(DefaultFilter):
    """Accepts Python, SQL and settings."""

    def __call__(self, change: Change, path: str) -> bool:
        return path.endswith(SUFFIXES) and super().__call__(change, path)
