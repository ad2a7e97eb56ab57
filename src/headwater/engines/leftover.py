"""Servers that a killed supervisor left running: found by their working folder, and ended.

A server's working folder is its data folder, and no other run uses it (the folder's lock is held while this runs). The
kernel shows a process's working folder to its own user and to root with CAP_SYS_PTRACE. Otherwise the command line,
which anybody may read, names the folder of the server itself; its children end with it.
"""

import asyncio
import os
import signal
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

import msgspec

from headwater.engines.engine import LeftoverEnded, LeftoverLives
from headwater.engines.process import Step, wait_until
from headwater.observe import report

PROC = Path("/proc")


class Leftover(msgspec.Struct, frozen=True):
    pid: int
    parent: int


async def end_leftovers(program: str, folder: Path, steps: Sequence[Step]) -> None:
    """End every `program` that runs in `folder`; raises `LeftoverLives` if one does not end on SIGKILL."""
    found = find_leftovers(program, folder)
    if not found:
        return
    for number, seconds in steps:
        living = find_leftovers(program, folder)
        _signal(living if number == signal.SIGKILL else _leaders(living), number)
        await _wait_all_ended(living, seconds)
    if living := find_leftovers(program, folder):
        raise LeftoverLives(program=program, folder=folder, processes=", ".join(str(each.pid) for each in living))
    report(LeftoverEnded(program=program, folder=str(folder), processes=tuple(each.pid for each in found)))


def find_leftovers(program: str, folder: Path) -> list[Leftover]:
    """The live processes that run `program` in `folder`."""
    wanted = folder.resolve()
    return list(_living(program, wanted))


def _living(program: str, folder: Path) -> Iterator[Leftover]:
    for entry in PROC.iterdir():
        if not entry.name.isdigit() or not _works_in(entry, program, folder):
            continue
        parent = _living_parent(entry)
        if parent is not None:
            yield Leftover(pid=int(entry.name), parent=parent)


def _works_in(entry: Path, program: str, folder: Path) -> bool:
    try:
        return os.readlink(entry / "cwd") == str(folder) and _program(os.readlink(entry / "exe")) == program
    except PermissionError:
        return _names(entry, program, folder)
    except OSError:  # it has ended meanwhile
        return False


def _names(entry: Path, program: str, folder: Path) -> bool:
    try:
        command = (entry / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return _program(os.fsdecode(command[0])) == program and os.fsencode(folder) in command[1:]


def _program(path: str) -> str:
    """The file's name, without the mark that the kernel adds if an upgrade has replaced it."""
    return Path(path.removesuffix(" (deleted)")).name


def _living_parent(entry: Path) -> int | None:
    """The parent's pid, or None for a process that has ended; a zombie counts as ended (proc(5))."""
    try:
        state, parent = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()[:2]
    except OSError:
        return None
    return None if state in "ZX" else int(parent)


def _leaders(leftovers: Iterable[Leftover]) -> list[Leftover]:
    """Those whose parent is not among them: a server ends its own children."""
    members = {each.pid: each for each in leftovers}
    return [each for each in members.values() if each.parent not in members]


def _signal(leftovers: Iterable[Leftover], number: signal.Signals) -> None:
    for each in leftovers:
        try:
            os.kill(each.pid, number)
        except ProcessLookupError:
            continue


async def _wait_all_ended(leftovers: Sequence[Leftover], seconds: float) -> None:
    if not leftovers:
        return
    waits = [asyncio.ensure_future(wait_until(partial(has_ended, each.pid), each.pid)) for each in leftovers]
    _, pending = await asyncio.wait(waits, timeout=seconds)
    for wait in pending:
        wait.cancel()
    await asyncio.gather(*pending, return_exceptions=True)


def has_ended(pid: int) -> bool:
    """Whether no process has the number `pid`, or only a zombie."""
    return _living_parent(PROC / str(pid)) is None
