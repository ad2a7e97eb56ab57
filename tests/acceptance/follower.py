"""A follower does what a document says, in its order: writes files, types commands, and looks at what comes."""

import json
import os
import re
import socket
import sys
import time
from pathlib import Path

from tests.acceptance.console import Reader, Step, steps_of
from tests.acceptance.document import Block, Document, change
from tests.acceptance.shell import Running, Shell

HOME = "/home/ada"
"""The folder above the project, in the documents."""
PORT = "8000"
METRICS_PORT = "18000"
PATIENCE_SECONDS = 20.0
PAUSE_SECONDS = 0.1

_SERVES = re.compile(r"headwater (?:dev|up)\b")
_FOLLOWS = re.compile(r"--follow\b")
_READS = re.compile(r"(?:curl (?!.*(?: -d | -X ))|headwater (?:status|log (?:status|parked|tail)))", re.DOTALL)

_LISTENERS = "select count(*) from pg_stat_activity where application_name = 'headwater tail'"


class Follower:
    """Follows documents in `folder`, which stands for the home of their reader."""

    def __init__(self, folder: Path, environ: dict[str, str]) -> None:
        self.port = _free_port()
        self._metrics_port = _free_port()
        self._home = folder
        self._reader = Reader()
        self._shell = Shell(
            folder, {**environ, "HEADWATER_PORT": self.port, "HEADWATER_METRICS_PORT": self._metrics_port}
        )
        self._running: dict[str, Running] = {}
        self._before: int | None = None
        self.project = folder

    def close(self) -> None:
        """Stop everything that was started."""
        self._shell.close()

    def follow(self, document: Document) -> None:
        """Do what it says; fails at the first line that is not true."""
        for block in document.blocks():
            kind, _, about = block.note.partition(": ")
            at = f"{document!r}:{block.line}"
            if kind == "file":
                self._write(self.project / about, block.text)
            elif kind == "diff":
                self._write(self.project / about, change((self.project / about).read_text(), block.text))
            elif kind == "shown":
                assert block.text in (self.project / about).read_text(), f"{at}: {about} looks different"
            elif kind == "output":
                self._await(Step(about, block.text), self._running[about], at)
            elif block.language == "console" and kind != "skip":
                self._type(block, at)

    def serve(self, typed: str, shown: str = "… is ready …", at: str = "") -> None:
        """Start a backend, and wait for what it shows; whoever does that has stopped the one before."""
        self.stop_serving()
        self._running[typed] = self._shell.start(self._real(typed))
        self._await(Step(typed, shown), self._running[typed], at)

    def stop_serving(self) -> None:
        """Stop the backend that runs, as by Ctrl-C."""
        for before in [each for each in self._running if _SERVES.match(each)]:
            self._running.pop(before).stop()

    def type(self, typed: str) -> str:
        """What a command shows, one that no document has."""
        return self._shown(self._shell.run(self._real(typed)))

    def _write(self, path: Path, text: str) -> None:
        self._before = self._before or self._pid_of_dev()
        path.write_text(text)

    def _type(self, block: Block, at: str) -> None:
        self._await_reload()
        for step in steps_of(block.text):
            if _SERVES.match(step.typed):
                self.serve(step.typed, step.shown, at)
            elif _FOLLOWS.search(step.typed):
                self._follow_log(step)
            else:
                self._run(step, at)

    def _follow_log(self, step: Step) -> None:
        """Before anything else is typed it listens, as it does for whoever types by hand."""
        self._running[step.typed] = self._shell.start(self._real(step.typed))
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self._shell.run(f'headwater psql -Atc "{_LISTENERS}"').strip() != "1":
            assert time.monotonic() < deadline, f"{step.typed} does not listen"

    def _run(self, step: Step, at: str) -> None:
        deadline = time.monotonic() + (PATIENCE_SECONDS if _READS.match(step.typed) else 0.0)
        while True:
            came = self._shown(self._shell.run(self._real(step.typed)))
            if self._reader.sees(step.shown, came):
                break
            assert time.monotonic() < deadline, _difference(at, step, came)
            time.sleep(PAUSE_SECONDS)
        if step.typed.startswith("cd "):
            self.project = Path(self._shell.run("pwd").strip())

    def _await(self, step: Step, running: Running, at: str) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self._reader.sees(step.shown, self._shown(running.output)):
            assert time.monotonic() < deadline, _difference(at, step, self._shown(running.output))
            time.sleep(PAUSE_SECONDS)

    def _await_reload(self) -> None:
        """After a change, wait for `headwater dev` to run what was changed."""
        if self._before is None:
            return
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self._pid_of_dev() in (None, self._before):
            assert time.monotonic() < deadline, "headwater dev did not start anew"
            time.sleep(PAUSE_SECONDS)
        self._before = None

    def _pid_of_dev(self) -> int | None:
        """The process that runs the code under `headwater dev`, once it does."""
        try:
            state = json.loads((self.project / ".headwater" / "run" / "state.json").read_bytes())
        except (OSError, ValueError):
            return None
        return next((each["pid"] for each in state["processes"] if each["name"] == "dev" and _works(each)), None)

    @property
    def _places(self) -> list[tuple[str, str]]:
        """What stands in the documents, and what it is here."""
        return [(f":{PORT}", f":{self.port}"), (f":{METRICS_PORT}", f":{self._metrics_port}"), (HOME, str(self._home))]

    def _real(self, typed: str) -> str:
        for written, real in self._places:
            typed = typed.replace(written, real)
        return self._reader.typed(typed)

    def _shown(self, came: str) -> str:
        for written, real in self._places:
            came = came.replace(real, written)
        return came


def environment(home: Path) -> dict[str, str]:
    """What a reader's terminal has: Headwater's commands on the path, and no setting of ours."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("HEADWATER_", "PYTEST_"))}
    path = f"{Path(sys.executable).parent}:{clean['PATH']}"
    return {**clean, "PATH": path, "HOME": str(home), "LC_ALL": "C.UTF-8", "COLUMNS": "100"}


def _works(process: dict[str, str]) -> bool:
    return process["phase"] == "running"


def _free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return str(server.getsockname()[1])


def _difference(at: str, step: Step, came: str) -> str:
    return f"{at}: $ {step.typed}\n--- shown\n{step.shown}\n--- came\n{came}"
