"""The start screen: what runs and where, how long it took, what to try, how to stop."""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from headwater.backend import Backend
from headwater.db import Applied
from headwater.settings import Settings
from headwater.supervisor.prepare import Prepared
from headwater.supervisor.state import BackendState

Row = tuple[str, str, str]
"""Subject, value, remark."""

_IMPORTED_AT = time.monotonic()


class Screen(msgspec.Struct, frozen=True, kw_only=True):
    """The content of the screen, top to bottom."""

    title: str
    seconds: float
    """From the start of this process until everything was ready."""
    rows: Sequence[Row]
    news: Sequence[str] = ()
    """What this start has done, such as applied migrations and demo data."""
    try_it: str | None = None


def screen_of(backend: Backend, settings: Settings, state: BackendState, prepared: Prepared | None) -> Screen:
    """The screen for a backend that has just become ready."""
    return Screen(
        title=backend.title,
        seconds=seconds_since_start(),
        rows=list(_rows(settings, state)),
        news=_news(prepared),
        try_it=_example(backend, state.url),
    )


def dev_screen(settings: Settings, state: BackendState) -> Screen:
    """The screen for a backend whose code is being changed."""
    rows = [("API", state.url, "restarts when a file changes"), *_docs(settings, state)]
    return Screen(title=state.backend, seconds=seconds_since_start(), rows=[*rows, *_folders(settings)])


def seconds_since_start() -> float:
    """How long this process has been running; where the kernel does not tell, since its first line of Python."""
    try:
        ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
        return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, AttributeError):
        return time.monotonic() - _IMPORTED_AT


def _rows(settings: Settings, state: BackendState) -> Iterator[Row]:
    names = [each.name for each in state.processes]
    web, consumers = (sum(name.startswith(role) for name in names) for role in ("web", "consumer"))
    yield "API", state.url, _count(web, "web worker")
    yield from _docs(settings, state)
    yield "Engines", "PostgreSQL, Valkey", _engines(settings)
    yield "Log", "relay", _count(consumers, "consumer worker")
    yield from _folders(settings)


def _docs(settings: Settings, state: BackendState) -> Iterator[Row]:
    if settings.docs:
        yield "Docs", f"{state.url}/docs", "and /openapi.json, /readyz"
    if state.metrics_url is not None:
        yield "Metrics", state.metrics_url, "for Prometheus"


def _folders(settings: Settings) -> Iterator[Row]:
    yield "Logs", _short(settings.home / "log"), "headwater log tail --follow shows the log itself"
    yield "State", _short(settings.home), "data, sockets; remove it to start afresh"


def _engines(settings: Settings) -> str:
    external = [name for name, url in (("PostgreSQL", settings.postgres_url), ("Valkey", settings.valkey_url)) if url]
    return f"external: {', '.join(external)}" if external else "embedded, on unix sockets"


def _news(prepared: Prepared | None) -> list[str]:
    if prepared is None:
        return []
    migrations = sum(isinstance(each, Applied) for each in prepared.applied)
    applied = [f"{_count(migrations, 'migration')} applied."] if migrations else []
    return applied + ([prepared.planted] if prepared.planted else [])


def _example(backend: Backend, url: str) -> str | None:
    """A command line for the first query that needs neither parameters nor authentication; None without one."""
    document = backend.openapi()
    server = document["servers"][0]["url"]
    prefix = server.rstrip("/") if server.startswith("/") else ""
    for path, operations in document["paths"].items():
        if "{" not in path and "get" in operations and _needs_nothing(operations["get"]):
            return f"curl -s {url}{prefix}{path}"
    return None


def _needs_nothing(operation: Mapping[str, Any]) -> bool:
    anybody = {} in operation.get("security", [{}])
    return anybody and not any(each.get("required") for each in operation.get("parameters", ()))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _short(path: Path) -> str:
    """Relative to the working folder where that is shorter."""
    relative = os.path.relpath(path)
    return min(str(path), relative, key=len)
