"""Write the parts of docs/reference/ that are made from the code; with --check, say instead which are out of date.

.venv/bin/python scripts/reference.py [--check]
"""

import inspect
import re
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, cast, get_args

import msgspec

from headwater.cli.main import cli
from headwater.clock import SystemClock
from headwater.commit import Committer
from headwater.commit.group import GroupCommit
from headwater.consumer.meter import ConsumerMeter
from headwater.db import Pool
from headwater.http.compiler import Compiler
from headwater.http.endpoint import describe_steps
from headwater.http.limit import make_limiter
from headwater.http.message.problemtype import PROBLEM_TYPES
from headwater.http.serving.meter import Meter
from headwater.http.version.usage import Usage
from headwater.observe import Metrics
from headwater.part import Declarations
from headwater.parts import platform_parts
from headwater.settings import SECURITY, Settings
from headwater.supervisor.meter import BackendMeter
from headwater.wal.meter import RelayMeter

REFERENCE = Path(__file__).resolve().parents[1] / "docs" / "reference"


def settings_table() -> Iterator[str]:
    """Every setting, in the order of the code."""
    return _settings(lambda group: group is None)


def security_table() -> Iterator[str]:
    """The settings that decide how safe it is."""
    return _settings(lambda group: group == SECURITY)


def _settings(chosen: Callable[[str | None], bool]) -> Iterator[str]:
    yield from ("| variable | default | meaning |", "| --- | --- | --- |")
    for field in msgspec.structs.fields(Settings):
        if chosen(_group(field.type)):
            meaning, limits = _described(field.type)
            default = "" if field.default in (None, ()) else f"`{str(field.default).lower()}`"
            yield f"| `HEADWATER_{field.name.upper()}` | {default} | {meaning}{limits} |"


def problems_table() -> Iterator[str]:
    """Every type of problem that has a name, by status."""
    yield from ("| type | status | title | when |", "| --- | --- | --- | --- |")
    for kind in sorted(PROBLEM_TYPES, key=lambda kind: kind.status):
        yield f"| `{kind.uri}` | {kind.status} | {kind.title} | {kind.meaning} |"


def steps_table() -> Iterator[str]:
    """The steps of an endpoint in the order in which they run, those of the platform's parts."""
    yield from ("| stage | step | what it does |", "| --- | --- | --- |")
    for stage, name, does in describe_steps(Compiler(Declarations(platform_parts()))):
        yield f"| {stage} | {name} | {does} |"


def commands() -> Iterator[str]:
    """Every command: what it is called with, what it does, its parameters."""
    for words, command in _commands(cli, ("headwater",)):
        arguments = command.assemble_argument_collection(parse_docstring=True)
        yield from (f"## {' '.join(words)}", "", f"`{' '.join([*words, *map(_usage, arguments)])}`", "")
        yield from (_description(command.default_command), "")
        if arguments:
            yield from ("| parameter | meaning |", "| --- | --- |")
            for argument in arguments:
                yield f"| {_spelled(argument)} | {argument.parameter.help or ''}{_choices(argument)} |"
            yield ""


async def _begin(resource: AsyncIterator[object]) -> None:
    """Open it, as a process does at its start."""
    await anext(resource)


def metrics_table() -> Iterator[str]:
    """Every metric, by the capability that declares it."""
    yield from ("| metric | kind | labels | meaning |", "| --- | --- | --- | --- |")
    metrics = Metrics()
    BackendMeter(metrics, wal_budget_bytes=0)
    RelayMeter(metrics)
    ConsumerMeter(metrics)
    Meter(metrics)
    GroupCommit(Committer(cast(Pool, None), keep=timedelta()), metrics)
    make_limiter(Settings(valkey_url="valkey://localhost"), metrics, SystemClock())
    Usage("1", metrics, SystemClock())
    for name, declared in metrics.declared.items():
        labels = ", ".join(f"`{label}`" for label in declared.labels)
        yield f"| `{name}` | {declared.kind} | {labels} | {declared.help} |"


PARTS: dict[str, dict[str, Callable[[], Iterator[str]]]] = {
    "settings.md": {"settings": settings_table, "security": security_table},
    "http.md": {"problems": problems_table, "steps": steps_table},
    "cli.md": {"commands": commands},
    "metrics.md": {"metrics": metrics_table},
}


def written(text: str, name: str, lines: Iterator[str]) -> str:
    """`text` with what stands between the marks of a part made anew."""
    begin, end = f"<!-- {name}: made by scripts/reference.py -->", f"<!-- end of {name} -->"
    pattern = re.compile(rf"(?<={re.escape(begin)}\n).*?(?={re.escape(end)})", re.DOTALL)
    body = "\n".join(lines).strip("\n")
    replaced, count = pattern.subn(lambda _: f"\n{body}\n\n", text)
    assert count == 1, f"the marks of {name} are not there"
    return replaced


def main() -> None:
    stale = []
    for file, parts in PARTS.items():
        path = REFERENCE / file
        before = after = path.read_text()
        for name, lines in parts.items():
            after = written(after, name, lines())
        if after != before:
            stale.append(path.relative_to(REFERENCE.parents[1]))
            if "--check" not in sys.argv:
                path.write_text(after)
    if stale and "--check" in sys.argv:
        sys.exit(f"out of date: {', '.join(map(str, stale))}; run scripts/reference.py")


def _described(kind: Any) -> tuple[str, str]:
    """Of a setting's type: what it means, and which values it may have."""
    meaning, limits = "", ""
    while hasattr(kind, "__metadata__"):
        for mark in kind.__metadata__:
            meaning = meaning or mark.description or ""
            limits = limits or _limits(mark)
        kind = get_args(kind)[0]
    return meaning, limits


def _group(kind: Any) -> str | None:
    for mark in getattr(kind, "__metadata__", ()):
        if mark.extra and "group" in mark.extra:
            group: str = mark.extra["group"]
            return group
    return None


def _limits(mark: msgspec.Meta) -> str:
    if mark.ge is not None and mark.le is not None:
        return f" From {mark.ge} to {mark.le}."
    if mark.ge:
        return f" At least {mark.ge}."
    return ""


def _commands(app: Any, words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name in app.resolved_commands():
        if not name.startswith("-"):
            command = app[name]
            if command.default_command is None:
                yield from _commands(command, (*words, name))
            else:
                yield (*words, name), command


def _description(function: Any) -> str:
    described, _, _ = (inspect.getdoc(function) or "").partition("\nParameters\n")
    return " ".join(described.split())


def _usage(argument: Any) -> str:
    spelled = _name(argument)
    if argument.field_info.kind is inspect.Parameter.VAR_POSITIONAL:
        return f"[{spelled}…]"
    if not spelled.startswith("-"):
        return spelled if argument.required else f"[{spelled}]"
    value = "" if argument.hint is bool else f" {spelled.lstrip('-').upper()}"
    return f"{spelled}{value}" if argument.required else f"[{spelled}{value}]"


def _spelled(argument: Any) -> str:
    short = [name for name in argument.names if re.fullmatch(r"-\w", name)]
    return ", ".join(f"`{name}`" for name in (_name(argument), *short))


def _name(argument: Any) -> str:
    """As it is typed: positions in capitals, options with their hyphens."""
    if argument.field_info.kind is inspect.Parameter.KEYWORD_ONLY:
        return str(argument.names[0])
    return str(argument.names[0]).lstrip("-").upper()


def _choices(argument: Any) -> str:
    choices = get_args(argument.hint) if "Literal" in str(argument.hint) else ()
    if not choices:
        return ""
    named = " or ".join(f"`{choice}`" for choice in choices)
    return f" {named}; `{argument.field_info.default}` unless told otherwise."


if __name__ == "__main__":
    main()
